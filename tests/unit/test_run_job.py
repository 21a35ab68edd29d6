"""An attempt of a job, on the real ledger, with steps that end in every way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event
from typing import Any, ClassVar, Self
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db.models.functions import Now

from backend.adapters.stoppable_threads import Stop, StoppableThreads
from backend.domain.errors import (
    DatabaseAway,
    DocumentStoreAway,
    MediaProjectError,
    ObjectStoreAway,
    StagingAway,
    StorageFull,
)
from backend.domain.failures import FAILURES, FailureCode, JobFailed
from backend.domain.jobs import AttemptOutcome, JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, JobAttempt, Media
from backend.use_cases.ports import Claim, StagedNames
from backend.use_cases.run_job import LeaseKeeper, LeaseTimes, Progress, RunJob
from tests.fakes.freshness import InMemoryFreshness
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

QUICK = LeaseTimes(renewal_seconds=0.05, look_seconds=0.01)
AT_ONCE = RetryPolicy(
    most_failures=2, first_delay=timedelta(), longest_delay=timedelta()
)
Work = Callable[[Claim, Progress], Awaitable[StagedNames]]


class Step:
    """A step that does what the test says."""

    kind: ClassVar[JobKind] = JobKind.UPLOAD_TO_CDN

    def __init__(self, work: Work, limit_seconds: float = 10.0) -> None:
        self._work = work
        self._limit_seconds = limit_seconds

    def time_limit_seconds(self, claim: Claim) -> float:
        return self._limit_seconds

    async def run(self, claim: Claim, progress: Progress) -> StagedNames:
        return await self._work(claim, progress)


class RemovedFiles:
    """The part of staging that ends a job's life with its file."""

    def __init__(self) -> None:
        self.names: list[UUID] = []

    async def remove(self, name: UUID) -> None:
        self.names.append(name)


class PatchyLedger:
    """The real ledger, which cannot be reached for the next so many claims and ends.

    `refused` is set once it has not renewed a lease.
    """

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.away_for = 0
        self.refused = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def claim(self, *arguments: Any) -> Any:
        self._reach()
        return await self._ledger.claim(*arguments)

    async def fail(self, *arguments: Any) -> Any:
        self._reach()
        return await self._ledger.fail(*arguments)

    async def renew(self, *arguments: Any) -> Any:
        renewed = await self._ledger.renew(*arguments)
        if not renewed:
            self.refused.set()
        return renewed

    def _reach(self) -> None:
        if self.away_for:
            self.away_for -= 1
            raise DatabaseAway


class SlowStore:
    """Takes its time to answer, and nobody can hurry it."""

    SECONDS: ClassVar = StoppableThreads.GRACE_SECONDS + 0.5

    def __init__(self, threads: StoppableThreads) -> None:
        self.has_answered = Event()
        self._threads = threads

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        threads = StoppableThreads("put", 1)
        yield cls(threads)
        threads.close()

    async def put(self) -> None:
        await self._threads.run(self._answer)

    def _answer(self, stop: Stop) -> None:
        Event().wait(self.SECONDS)
        self.has_answered.set()


class Outcomes:
    """A `JobObserver` of how attempts have ended."""

    def __init__(self) -> None:
        self.seen: list[AttemptOutcome] = []

    def begun(self, kind: JobKind, waited_seconds: float) -> None: ...

    def ended(self, kind: JobKind, outcome: AttemptOutcome, seconds: float) -> None:
        self.seen.append(outcome)


class Bench:
    """A claimed-able upload job and the means to run it."""

    def __init__(self, world: LedgerWorld) -> None:
        self.world = world
        self.staging = RemovedFiles()
        self.ledger: Any = PatchyLedger(world.ledger)
        self.outcomes = Outcomes()
        self.run_job = self.with_times(QUICK)

    def with_times(self, times: LeaseTimes) -> RunJob:
        return RunJob(
            self.ledger,
            self.staging,  # type: ignore[arg-type]
            LeaseKeeper(self.ledger, times),
            "worker-1",
            pause_seconds=0.01,
            observer=self.outcomes,
        )

    async def run(self, work: Work, limit_seconds: float = 10.0) -> None:
        media = await Media.objects.aget()
        await self.run_job.execute(media.uuid, Step(work, limit_seconds))

    async def failed_with(self) -> tuple[str, str, str]:
        job = await Job.objects.aget(kind=JobKind.UPLOAD_TO_CDN)
        attempt = await JobAttempt.objects.alatest("started_at")
        return job.status, attempt.outcome, attempt.code


@pytest_asyncio.fixture
async def bench(clean_database: None) -> AsyncIterator[Bench]:
    threads = DatabaseThreads()
    world = LedgerWorld(threads, InMemoryFreshness(), AT_ONCE)
    session = await sync_to_async(world.session)()
    await world.ledger.ingest(world.received(session))
    yield Bench(world)
    threads.close()


class TestRunJob:
    async def test_a_step_that_ends_well_releases_the_staged_file(
        self, bench: Bench
    ) -> None:
        name = uuid4()

        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await bench.world.ledger.mark_published(claim)
            return (name,)

        await bench.run(work)

        assert bench.staging.names == [name]
        assert bench.outcomes.seen == [AttemptOutcome.SUCCEEDED]
        assert await bench.failed_with() == ("succeeded", "succeeded", "")

    async def test_a_named_failure_stands_in_the_history(self, bench: Bench) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            raise JobFailed(FailureCode.OBJECT_DAMAGED, "other bytes")

        await bench.run(work)
        assert await bench.failed_with() == ("queued", "failed", "object_damaged")

    @pytest.mark.parametrize(
        "error",
        [ObjectStoreAway, DocumentStoreAway, DatabaseAway, StagingAway, StorageFull],
    )
    async def test_what_is_away_is_named(
        self, bench: Bench, error: type[MediaProjectError]
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            raise error("refused")

        await bench.run(work)
        assert await bench.failed_with() == ("queued", "failed", error.code)
        assert not FAILURES[FailureCode(error.code)].counts

    @pytest.mark.parametrize("error", [ZeroDivisionError, TimeoutError])
    async def test_what_nobody_foresaw_does_not_end_the_worker(
        self, bench: Bench, error: type[Exception]
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            raise error("surprise")

        await bench.run(work)
        assert await bench.failed_with() == ("queued", "failed", "internal_error")

    async def test_a_step_that_takes_too_long_is_stopped(self, bench: Bench) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await asyncio.Event().wait()
            return ()

        await bench.run(work, limit_seconds=0.1)
        assert await bench.failed_with() == ("queued", "failed", "step_timed_out")

    async def test_a_worker_that_stops_gives_the_job_back_at_once(
        self, bench: Bench
    ) -> None:
        started = asyncio.Event()

        async def work(claim: Claim, progress: Progress) -> StagedNames:
            started.set()
            await asyncio.Event().wait()
            return ()

        running = asyncio.create_task(bench.run(work))
        await started.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert await bench.failed_with() == ("queued", "interrupted", "")

    async def test_the_lease_and_the_progress_are_renewed_while_it_runs(
        self, bench: Bench
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await Job.objects.filter(uuid=claim.job_id).aupdate(lease_until=Now())
            progress.moved(claim.blob.size_bytes // 2)
            leased = Job.objects.filter(
                uuid=claim.job_id, progress=50, lease_until__gt=Now()
            )
            while not await leased.aexists():  # noqa: ASYNC110 - a row rings no bell
                await asyncio.sleep(0.01)
            return ()

        async with asyncio.timeout(60):
            await bench.run(work)

    async def test_a_lost_lease_stops_the_work(self, bench: Bench) -> None:
        stopped = asyncio.Event()

        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await Job.objects.filter(uuid=claim.job_id).aupdate(fence=99)
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
            return ()

        async with asyncio.timeout(60):
            await bench.run(work)
        assert stopped.is_set()

    async def test_an_end_that_comes_too_late_is_no_success(self, bench: Bench) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await Job.objects.filter(uuid=claim.job_id).aupdate(fence=99)
            return await bench.world.ledger.mark_published(claim)

        await bench.run(work)
        assert bench.outcomes.seen == [AttemptOutcome.FAILED]

    async def test_the_deletion_of_the_media_stops_the_work(self, bench: Bench) -> None:
        stopped = asyncio.Event()

        async def work(claim: Claim, progress: Progress) -> UUID | None:
            await Media.objects.aupdate(status="deleting")
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
            return None

        async with asyncio.timeout(60):
            await bench.run(work)
        assert stopped.is_set()
        assert await bench.failed_with() == ("failed", "failed", "media_deleted")

    async def test_what_a_deletion_stops_has_ended_before_the_lease_is_given_up(
        self, bench: Bench
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await Media.objects.aupdate(status="deleting")
            await store.put()
            return ()

        with SlowStore.opened() as store:
            await bench.run(work)
            assert store.has_answered.is_set()
        assert await bench.failed_with() == ("failed", "failed", "media_deleted")

    async def test_what_does_not_stop_at_all_is_left_in_the_end(
        self, bench: Bench
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()
            return ()

        bench.run_job = bench.with_times(LeaseTimes(0.05, 0.01, stopping_seconds=0.1))
        await bench.run(work, limit_seconds=0.05)
        assert await bench.failed_with() == ("queued", "failed", "step_timed_out")

    async def test_what_its_time_limit_stops_has_ended_before_the_attempt(
        self, bench: Bench
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await store.put()
            return ()

        with SlowStore.opened() as store:
            await bench.run(work, limit_seconds=0.05)
            assert store.has_answered.is_set()
        assert await bench.failed_with() == ("queued", "failed", "step_timed_out")

    async def test_a_database_that_is_away_leaves_the_job_queued(
        self, bench: Bench
    ) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            raise AssertionError("nobody claimed this")

        bench.ledger.away_for = 1
        await bench.run(work)
        assert (await Job.objects.aget(kind=JobKind.UPLOAD_TO_CDN)).status == "queued"

    async def test_an_end_that_is_not_heard_is_told_again(self, bench: Bench) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            bench.ledger.away_for = 3
            raise DatabaseAway

        await bench.run(work)
        assert await bench.failed_with() == ("queued", "failed", "database_away")

    async def test_a_renewal_that_meets_the_end_of_the_job_changes_nothing(
        self, bench: Bench
    ) -> None:
        bench.run_job = bench.with_times(LeaseTimes(0.2, 0.2))
        name = uuid4()

        async def work(claim: Claim, progress: Progress) -> StagedNames:
            await bench.world.ledger.mark_published(claim)
            # The lease is renewed meanwhile, and found to be over.
            await bench.ledger.refused.wait()
            return (name,)

        await bench.run(work)

        assert await bench.failed_with() == ("succeeded", "succeeded", "")
        assert bench.staging.names == [name]

    async def test_a_job_that_is_not_there_is_nothing_to_do(self, bench: Bench) -> None:
        async def work(claim: Claim, progress: Progress) -> StagedNames:
            raise AssertionError("nobody claimed this")

        await bench.run_job.execute(uuid4(), Step(work))


class TestProgress:
    def test_only_the_end_is_a_hundred_percent(self) -> None:
        progress = Progress(1_000)
        progress.moved(400)
        assert progress.percent == 40
        progress.moved(600)
        assert progress.percent == 99

    def test_how_much_there_is_to_do_may_turn_out_later(self) -> None:
        progress = Progress(0)
        progress.expect(4)
        progress.moved(1)
        assert progress.percent == 25
