"""One attempt of a job: claimed, kept alive, and ended with a reason."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar, Protocol
from uuid import UUID

import structlog

from backend.domain.errors import (
    DatabaseAway,
    MediaProjectError,
    StagingAway,
    StorageFull,
    Unavailable,
)
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.use_cases.ports import Claim, MediaLedger, Staging

log = structlog.get_logger(__name__)


class Progress:
    """Counts moved bytes from any thread and tells how far that is, in percent."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self._moved_bytes = 0
        self._lock = Lock()

    def moved(self, more_bytes: int) -> None:
        with self._lock:
            self._moved_bytes += more_bytes

    @property
    def percent(self) -> int:
        """At most 99: only the end of the job makes it 100."""
        return min(99, 100 * self._moved_bytes // max(1, self._total_bytes))


class JobStep(Protocol):
    """The work of one kind of job."""

    kind: ClassVar[JobKind]

    def time_limit_seconds(self, claim: Claim) -> float: ...

    async def run(self, claim: Claim, progress: Progress) -> UUID | None:
        """Do the work, safe to do twice, and mark it done in the ledger.

        Returns the staged file that nobody needs any more. Raises `JobFailed` and
        `Unavailable`.
        """


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How often the lease is renewed, and how often progress is looked at."""

    renewal_seconds: float = 5.0
    look_seconds: float = 1.0


class LeaseKeeper:
    """Renews the lease of a claim while its work runs, and stops work that lost it."""

    def __init__(self, ledger: MediaLedger, times: LeaseTimes) -> None:
        self._ledger = ledger
        self._times = times

    async def hold(
        self, claim: Claim, progress: Progress, work: Coroutine[Any, Any, UUID | None]
    ) -> UUID | None:
        """The result of the work. A lost lease cancels it and raises `JobFailed`."""
        task = asyncio.create_task(work)
        try:
            await self._renew_until_done(claim, progress, task)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return task.result()

    async def _renew_until_done(
        self, claim: Claim, progress: Progress, task: asyncio.Task[UUID | None]
    ) -> None:
        written, waited_seconds = 0, 0.0
        while True:
            await asyncio.wait({task}, timeout=self._times.look_seconds)
            if task.done():
                return
            waited_seconds += self._times.look_seconds
            if progress.percent == written and (
                waited_seconds < self._times.renewal_seconds
            ):
                continue
            written, waited_seconds = progress.percent, 0.0
            if not await self._renew(claim, written):
                # The job may just have ended by its own work: then that counts.
                await asyncio.wait({task}, timeout=self._times.look_seconds)
                if task.done():
                    return
                raise JobFailed(FailureCode.LEASE_LOST, "Somebody else has the job.")

    async def _renew(self, claim: Claim, percent: int) -> bool:
        try:
            return await self._ledger.renew(claim, percent)
        except DatabaseAway:
            # Nobody else can take the job either; the fence decides in the end.
            log.warning("job.lease_not_renewed", job_id=str(claim.job_id))
            return True


class RunJob:
    """Runs one attempt of the open job of a media, if it is there to be claimed."""

    def __init__(
        self,
        ledger: MediaLedger,
        staging: Staging,
        keeper: LeaseKeeper,
        worker: str,
        pause_seconds: float = 1.0,
    ) -> None:
        self._ledger = ledger
        self._staging = staging
        self._keeper = keeper
        self._worker = worker
        self._pause_seconds = pause_seconds

    async def execute(self, media_id: UUID, step: JobStep) -> None:
        claim = await self._claim(media_id, step.kind)
        if claim is None:
            return
        log.info("job.started", attempt=claim.attempt)
        try:
            await self._attempt(claim, step)
        except asyncio.CancelledError:
            # The worker stops: the next one goes on at once.
            log.info("job.interrupted", attempt=claim.attempt)
            await self._ledger.release(claim)
            raise

    async def _claim(self, media_id: UUID, kind: JobKind) -> Claim | None:
        claiming = asyncio.ensure_future(
            self._ledger.claim(media_id, kind, self._worker)
        )
        try:
            claim = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await self._give_back(claiming)
            raise
        except DatabaseAway as error:
            # The sweeper rings again, or takes a lease back that nobody heard of.
            log.warning("job.not_claimed", reason=str(error))
            return None
        if claim is None:
            log.debug("job.not_there")
        return claim

    async def _give_back(self, claiming: asyncio.Future[Claim | None]) -> None:
        """The worker stops, and the claim may have been written all the same."""
        with suppress(DatabaseAway):
            if (claim := await claiming) is not None:
                await self._ledger.release(claim)

    async def _attempt(self, claim: Claim, step: JobStep) -> None:
        try:
            unneeded = await self._run(claim, step)
        except JobFailed as error:
            log.warning("job.attempt_failed", code=error.code, reason=str(error))
            unneeded = await self._fail(claim, error)
        else:
            log.info("job.succeeded", attempt=claim.attempt)
        if unneeded is not None:
            await self._remove(unneeded)

    async def _remove(self, staged_name: UUID) -> None:
        try:
            await self._staging.remove(staged_name)
        except StagingAway as error:
            # The job has ended well; only disk space is lost until somebody looks.
            log.warning("staging.not_removed", name=str(staged_name), reason=str(error))

    async def _fail(self, claim: Claim, error: JobFailed) -> UUID | None:
        """Tell until it is heard: a job that waits for the end of its lease waits long.

        It ends at the latest when the sweeper has given the job to somebody else.
        """
        while True:
            try:
                return await self._ledger.fail(claim, error)
            except DatabaseAway:
                log.warning("job.end_not_written", attempt=claim.attempt)
                await asyncio.sleep(self._pause_seconds)

    async def _run(self, claim: Claim, step: JobStep) -> UUID | None:
        """What the step returns; whatever it raises becomes a `JobFailed`."""
        progress = Progress(claim.blob.size_bytes)
        try:
            async with asyncio.timeout(step.time_limit_seconds(claim)):
                return await self._keeper.hold(
                    claim, progress, step.run(claim, progress)
                )
        except JobFailed:
            raise
        except TimeoutError as error:
            limit = f"{step.time_limit_seconds(claim):.0f} s"
            message = f"It was stopped after {limit}."
            raise JobFailed(FailureCode.STEP_TIMED_OUT, message) from error
        except (Unavailable, StorageFull) as error:
            raise JobFailed(self._code_of(error), str(error)) from error
        # The boundary of every job: what nobody foresaw is logged and stands in the
        # job's history instead of killing the worker.
        except Exception as error:
            log.exception("job.crashed")
            raise JobFailed(FailureCode.INTERNAL_ERROR, repr(error)) from error

    @staticmethod
    def _code_of(error: MediaProjectError) -> FailureCode:
        """Errors of stores and failures of jobs share their codes."""
        try:
            return FailureCode(error.code)
        except ValueError:
            return FailureCode.INTERNAL_ERROR
