"""One attempt of a job: claimed, kept alive, and ended with a reason."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar, Protocol
from uuid import UUID

import structlog

from backend.domain.errors import DatabaseAway, StorageFull, Unavailable
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.patience import UNHURRIED
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import Claim, MediaLedger, StagedNames, Staging
from backend.use_cases.ports.metrics import UNOBSERVED, JobObserver
from backend.use_cases.staged_files import StagedFiles

log = structlog.get_logger(__name__)


class Progress:
    """Counts finished work, usually bytes, from any thread, and gives the progress in
    percent."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._moved = 0
        self._lock = Lock()

    def expect(self, total: int) -> None:
        """Set the total amount of work, in bytes or another unit."""
        with self._lock:
            self._total = total

    def moved(self, more: int) -> None:
        with self._lock:
            self._moved += more

    @property
    def percent(self) -> int:
        """At most 99: only the end of the job makes it 100."""
        return min(99, 100 * self._moved // max(1, self._total))


class JobStep(Protocol):
    """The work of one kind of job."""

    kind: ClassVar[JobKind]

    def time_limit_seconds(self, claim: Claim) -> float: ...

    async def run(self, claim: Claim, progress: Progress) -> StagedNames:
        """Do the work, safe to do twice, and mark it done in the ledger.

        Returns the files to be removed from staging. Raises `JobFailed`, `Unavailable`.
        """


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How often the lease is renewed and progress is checked, and how long work that was
    told to stop may take.

    A client of the object store gives a request up after a minute and a half; what takes
    twice as long to stop hangs for good, as a read from a dead network disk does.
    """

    renewal_seconds: float = 5.0
    look_seconds: float = 1.0
    stopping_seconds: float = 180.0


class LeaseKeeper:
    """Renews the lease of a claim while its work runs, and stops work that lost it or
    takes too long."""

    def __init__(self, ledger: MediaLedger, times: LeaseTimes) -> None:
        self._ledger = ledger
        self._times = times

    async def hold(
        self,
        claim: Claim,
        progress: Progress,
        work: Coroutine[Any, Any, StagedNames],
        limit_seconds: float,
    ) -> StagedNames:
        """The result of the work.

        Its time limit, a lost lease or the deletion of the media cancels it and raises
        `JobFailed`.
        """
        task = asyncio.create_task(work)
        try:
            async with self._limited(limit_seconds):
                await self._renew_until_done(claim, progress, task)
        except JobFailed:
            await self._stop_unhurried(claim, progress, task)
            raise
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return task.result()

    async def _stop_unhurried(
        self, claim: Claim, progress: Progress, task: asyncio.Task[StagedNames]
    ) -> None:
        """Hold the lease until all of the work has stopped, or hangs.

        A put that outlived its lease could come after the deletion of its object.
        """
        task.cancel(UNHURRIED)
        deadline = time.monotonic() + self._times.stopping_seconds
        while not task.done() and time.monotonic() < deadline:
            await asyncio.wait({task}, timeout=self._times.renewal_seconds)
            with suppress(JobFailed):
                await self._renew(claim, progress.percent)

    @staticmethod
    @asynccontextmanager
    async def _limited(seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            message = f"It was stopped after {seconds:.0f} s."
            raise JobFailed(FailureCode.STEP_TIMED_OUT, message) from error

    async def _renew_until_done(
        self, claim: Claim, progress: Progress, task: asyncio.Task[StagedNames]
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
                # The job may just have ended by its own work; then that result counts.
                await asyncio.wait({task}, timeout=self._times.look_seconds)
                if task.done():
                    return
                raise JobFailed(FailureCode.LEASE_LOST, "Another worker has the job.")

    async def _renew(self, claim: Claim, percent: int) -> bool:
        try:
            return await self._ledger.renew(claim, percent)
        except DatabaseAway:
            # No other worker can take the job either; in the end the fence decides.
            log.warning("job.lease_not_renewed", job_id=str(claim.job_id))
            return True


class RunJob:
    """Runs one attempt of the open job of a media, if it can be claimed."""

    def __init__(
        self,
        ledger: MediaLedger,
        staging: Staging,
        keeper: LeaseKeeper,
        worker: str,
        pause_seconds: float = 1.0,
        observer: JobObserver = UNOBSERVED,
    ) -> None:
        self._ledger = ledger
        self._staged_files = StagedFiles(staging)
        self._keeper = keeper
        self._worker = worker
        self._pause_seconds = pause_seconds
        self._observer = observer

    async def execute(self, media_id: UUID, step: JobStep) -> None:
        claim = await self._claim(media_id, step.kind)
        if claim is None:
            return
        Failpoints.reach("job.claimed", claim.media_id)
        log.info("job.started", attempt=claim.attempt)
        self._observer.begun(claim.kind, claim.waited_seconds)
        began = time.monotonic()
        try:
            outcome = await self._attempt(claim, step)
        except asyncio.CancelledError:
            # The worker stops: the next one continues at once.
            log.info("job.interrupted", attempt=claim.attempt)
            await self._ledger.release(claim)
            raise
        self._observer.ended(claim.kind, outcome, time.monotonic() - began)

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
            # The sweeper rings again, or takes back a lease that was granted unnoticed.
            log.warning("job.not_claimed", reason=str(error))
            return None
        if claim is None:
            log.debug("job.not_there")
        return claim

    async def _give_back(self, claiming: asyncio.Future[Claim | None]) -> None:
        """The worker stops, but the claim may have been written anyway."""
        with suppress(DatabaseAway):
            if (claim := await claiming) is not None:
                await self._ledger.release(claim)

    async def _attempt(self, claim: Claim, step: JobStep) -> AttemptOutcome:
        outcome = AttemptOutcome.SUCCEEDED
        try:
            unneeded = await self._run(claim, step)
        except JobFailed as error:
            log.warning("job.attempt_failed", code=error.code, reason=str(error))
            unneeded = await self._fail(claim, error)
            outcome = AttemptOutcome.FAILED
        else:
            log.info("job.succeeded", attempt=claim.attempt)
        await self._staged_files.remove(unneeded)
        return outcome

    async def _fail(self, claim: Claim, error: JobFailed) -> StagedNames:
        """Repeat until the ledger has answered, because a job that waits for the end of
        its lease waits long. Ends at the latest when the sweeper has given the job to
        another worker."""
        while True:
            try:
                return await self._ledger.fail(claim, error)
            except DatabaseAway:
                log.warning("job.end_not_written", attempt=claim.attempt)
                await asyncio.sleep(self._pause_seconds)

    async def _run(self, claim: Claim, step: JobStep) -> StagedNames:
        """What the step returns; whatever it raises becomes a `JobFailed`."""
        progress = Progress(claim.video.size_bytes if claim.video else 0)
        try:
            limit_seconds = step.time_limit_seconds(claim)
            work = step.run(claim, progress)
            return await self._keeper.hold(claim, progress, work, limit_seconds)
        except JobFailed:
            raise
        except (Unavailable, StorageFull) as error:
            raise JobFailed.of(error) from error
        # The boundary of every job: an unforeseen error is logged and recorded in the
        # job's history instead of killing the worker.
        except Exception as error:
            log.exception("job.crashed")
            raise JobFailed(FailureCode.INTERNAL_ERROR, repr(error)) from error
