"""What the person on call does with many jobs at once, on the real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.errors import InvalidToken, RightMissing
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.operations import FailedJobs, Operator, Stuck, StuckReason
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_operations import DjangoJobOperations
from backend.orm.job_pulse import JobPulse
from backend.orm.job_retry import JobRetry
from backend.orm.models import Job, JobAttempt, Media, Session, WorkerHeartbeat
from backend.use_cases.ports import Freshness
from tests.ledger_world import LedgerWorld
from tests.retry_world import RetryWorld

pytestmark = pytest.mark.usefixtures("clean_database")

UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA
PICTURE, DELETE = JobKind.MAKE_MINIATURE, JobKind.DELETE_MEDIA
SURPRISE = FailedJobs(FailureCode.INTERNAL_ERROR)
MACHINE = Operator("ann at host")
MINUTE = timedelta(minutes=1)


class OperatedWorld(RetryWorld):
    """With what a person on call may do."""

    def __init__(self, threads: DatabaseThreads, freshness: Freshness) -> None:
        super().__init__(threads, freshness)
        self.operations = DjangoJobOperations(threads, freshness, JobRetry())
        self.pulse = JobPulse(threads)

    async def operator(self, role: str) -> Operator:
        session = await sync_to_async(self.session)(f"{role}@example.org", role)
        return Operator("somebody", await sync_to_async(self.caller)(session))

    async def failed_media(
        self, owner: Session, number: int, kind: JobKind = EXTRACT
    ) -> UUID:
        media_id = await self.taken_in(owner, f"video {number}".encode())
        await self.failed(media_id, kind)
        return media_id

    async def stuck(self, longer_than: timedelta = MINUTE) -> Stuck:
        return await self.operations.stuck(longer_than, 50)


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[OperatedWorld]:
    threads = DatabaseThreads()
    yield OperatedWorld(threads, freshness)
    threads.close()


@pytest_asyncio.fixture
async def owner(world: OperatedWorld) -> Session:
    return await sync_to_async(world.session)()


@pytest_asyncio.fixture
async def media_id(world: OperatedWorld, owner: Session) -> UUID:
    return await world.taken_in(owner)


class TestRetryOfAll:
    async def test_those_with_the_code_and_kind_are_opened_again(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        wanted = [await world.failed_media(owner, number) for number in range(3)]
        other = await world.taken_in(owner, b"another")
        await world.failed(other, EXTRACT, FailureCode.UNREADABLE_MEDIA)
        which = FailedJobs(FailureCode.INTERNAL_ERROR, EXTRACT)

        count = await world.operations.count_failed(which)
        jobs = await world.operations.failed(which, count.counted_at, None, 50)
        reopened = await world.operations.reopen(jobs, MACHINE, "request-9")

        assert (count.total, dict(count.by_kind)) == (3, {EXTRACT: 3})
        assert {job.media_id for job in reopened.opened} == set(wanted)
        assert reopened.refused == {}
        queued = Job.objects.filter(kind=EXTRACT, status="queued")
        assert {job.media_id async for job in queued} == set(wanted)
        assert {job.request_id async for job in queued} == {"request-9"}
        statuses = Media.objects.filter(uuid__in=wanted).values_list(
            "status", flat=True
        )
        assert {status async for status in statuses} == {"processing"}
        assert (await Media.objects.aget(uuid=other)).status == "failed"
        assert (await world.operations.count_failed(which)).total == 0

    async def test_what_fails_again_meanwhile_is_not_opened_twice(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        media_id = await world.failed_media(owner, 1)
        until = (await world.operations.count_failed(SURPRISE)).counted_at
        jobs = await world.operations.failed(SURPRISE, until, None, 50)
        await world.operations.reopen(jobs, MACHINE, "request-9")
        await world.failed(media_id, EXTRACT)

        assert await world.operations.failed(SURPRISE, until, None, 50) == []
        again = await world.operations.reopen(jobs, MACHINE, "request-9")
        assert (again.opened, again.refused) == ([], {"nothing_to_retry": 1})

    async def test_the_batches_leave_nothing_out(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        wanted = [await world.failed_media(owner, number) for number in range(5)]
        until = (await world.operations.count_failed(SURPRISE)).counted_at
        seen: list[UUID] = []
        after = None
        while jobs := await world.operations.failed(SURPRISE, until, after, 2):
            seen += [job.media_id for job in jobs]
            after = jobs[-1].job_id
        assert sorted(seen) == sorted(wanted)

    async def test_a_media_of_which_both_failed_gets_each_job_once(
        self, world: OperatedWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, UPLOAD)
        await world.failed(media_id, EXTRACT)
        until = (await world.operations.count_failed(SURPRISE)).counted_at
        jobs = await world.operations.failed(SURPRISE, until, None, 50)

        reopened = await world.operations.reopen(jobs, MACHINE, "request-9")

        assert set(reopened.opened[0].kinds) == {UPLOAD, EXTRACT}
        assert reopened.refused == {"job_open": 1}
        await world.succeeded(media_id, UPLOAD)
        await world.succeeded(media_id, EXTRACT)
        assert (await Media.objects.aget(uuid=media_id)).status == "ready"

    async def test_a_media_that_was_sent_again_stays_as_it_is(
        self, world: OperatedWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, EXTRACT)
        await world.taken_in(owner)
        until = (await world.operations.count_failed(SURPRISE)).counted_at
        jobs = await world.operations.failed(SURPRISE, until, None, 50)
        reopened = await world.operations.reopen(jobs, MACHINE, "request-9")
        assert (reopened.opened, reopened.refused) == ([], {"duplicate_media": 1})

    async def test_what_is_deleted_is_not_counted(
        self, world: OperatedWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, EXTRACT)
        await world.delete(media_id, owner)
        assert (await world.operations.count_failed(SURPRISE)).total == 0


class TestRights:
    async def test_a_retry_of_all_needs_the_right_to_anybodys(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        await world.failed_media(owner, 1)
        until = (await world.operations.count_failed(SURPRISE)).counted_at
        jobs = await world.operations.failed(SURPRISE, until, None, 50)
        operator = await world.operator("media_operator")
        with pytest.raises(RightMissing):
            await world.operations.reopen(jobs, operator, "request-9")
        admin = await world.operator("admin")
        assert len((await world.operations.reopen(jobs, admin, "r")).opened) == 1

    async def test_pauses_need_those_of_an_admin(self, world: OperatedWorld) -> None:
        operator = await world.operator("media_operator")
        with pytest.raises(RightMissing):
            await world.operations.pause(UPLOAD, operator, "")
        assert await world.operations.pauses() == []
        admin = await world.operator("admin")
        assert (await world.operations.pause(UPLOAD, admin, "")).is_new
        with pytest.raises(RightMissing):
            await world.operations.resume(UPLOAD, operator)
        await Session.objects.aupdate(revoked_at=timezone.now())
        with pytest.raises(InvalidToken):
            await world.operations.resume(UPLOAD, admin)
        assert len(await world.operations.pauses()) == 1


class TestPause:
    async def test_no_worker_begins_the_kind_and_others_go_on(
        self, world: OperatedWorld, media_id: UUID
    ) -> None:
        paused = await world.operations.pause(EXTRACT, MACHINE, "a bad release")
        assert (paused.is_new, paused.running) == (True, 0)
        assert await world.ledger.claim(media_id, EXTRACT, "worker-1") is None
        assert await world.ledger.claim(media_id, UPLOAD, "worker-1") is not None
        job = await Job.objects.aget(kind=EXTRACT)
        assert (job.status, job.attempt, job.fence) == ("queued", 0, 0)
        assert await JobAttempt.objects.filter(job=job).acount() == 0

    async def test_it_is_told_once_and_by_whom(self, world: OperatedWorld) -> None:
        await world.operations.pause(EXTRACT, MACHINE, "a bad release")
        again = await world.operations.pause(EXTRACT, Operator("bob at host"), "")
        assert not again.is_new
        (pause,) = await world.operations.pauses()
        assert (pause.kind, pause.by) == (EXTRACT, "ann at host")
        assert pause.reason == "a bad release"

    async def test_an_attempt_that_is_under_way_goes_on(
        self, world: OperatedWorld, media_id: UUID
    ) -> None:
        claim = await world.claimed(media_id, UPLOAD)
        assert (await world.operations.pause(UPLOAD, MACHINE, "")).running == 1
        assert await world.ledger.renew(claim, 50)
        await world.ledger.mark_published(claim)
        assert (await Job.objects.aget(kind=UPLOAD)).status == "succeeded"

    async def test_the_sweeper_rings_at_once_after_it(
        self, world: OperatedWorld, media_id: UUID
    ) -> None:
        await world.skip_waiting()
        assert len(await world.ledger.due(EXTRACT, 10)) == 1
        await world.operations.pause(EXTRACT, MACHINE, "")
        await world.skip_waiting()
        assert await world.ledger.due(EXTRACT, 10) == []
        await Job.objects.aupdate(ring_after=timezone.now() + MINUTE)

        assert await world.operations.resume(EXTRACT, MACHINE)

        assert [job.media_id for job in await world.ledger.due(EXTRACT, 10)] == [
            media_id
        ]
        assert await world.ledger.claim(media_id, EXTRACT, "worker-1") is not None
        assert not await world.operations.resume(EXTRACT, MACHINE)

    async def test_a_job_that_waits_for_its_next_attempt_goes_on_waiting(
        self, world: OperatedWorld, media_id: UUID
    ) -> None:
        later = timezone.now() + MINUTE
        await Job.objects.aupdate(run_after=later, ring_after=later)
        await world.operations.pause(EXTRACT, MACHINE, "")
        await world.operations.resume(EXTRACT, MACHINE)
        assert await world.ledger.due(EXTRACT, 10) == []

    async def test_health_does_not_take_it_for_a_backlog(
        self, world: OperatedWorld, media_id: UUID
    ) -> None:
        for kind in JobKind:
            await world.operations.pause(kind, MACHINE, "")
        await world.skip_waiting()
        assert (await world.pulse.read()).oldest_queued_seconds is None
        await world.operations.resume(EXTRACT, MACHINE)
        assert (await world.pulse.read()).oldest_queued_seconds is not None

    async def test_none_is_begun_once_it_was_told(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        media = [await world.taken_in(owner, f"{n}".encode()) for n in range(20)]
        claiming = [
            asyncio.create_task(world.ledger.claim(each, UPLOAD, f"worker-{n}"))
            for n, each in enumerate(media[:10])
        ]
        await world.operations.pause(UPLOAD, MACHINE, "")
        late = [await world.ledger.claim(each, UPLOAD, "late") for each in media[10:]]
        assert late == [None] * 10
        claims = [claim for claim in await asyncio.gather(*claiming) if claim]
        running = Job.objects.filter(kind=UPLOAD, status="running")
        assert await running.acount() == len(claims)


class TestStuck:
    async def test_nothing(self, world: OperatedWorld, media_id: UUID) -> None:
        stuck = await world.stuck()
        assert (stuck.total, stuck.heartbeat_age_seconds) == (0, None)

    async def test_each_reason(
        self, world: OperatedWorld, owner: Session, media_id: UUID
    ) -> None:
        long_ago = timezone.now() - timedelta(minutes=10)
        await WorkerHeartbeat.objects.acreate(worker="w", seen_at=long_ago)
        await world.claimed(media_id, UPLOAD)
        await world.expire_leases()
        await world.operations.pause(PICTURE, MACHINE, "")
        await Job.objects.filter(kind=EXTRACT).aupdate(run_after=long_ago)
        await world.failed_media(owner, 2)

        stuck = await world.stuck()

        told = {(count.reason, count.kind, count.code) for count in stuck.counts}
        assert told == {
            (StuckReason.LEASE_LOST, UPLOAD, ""),
            (StuckReason.PAUSED, PICTURE, ""),
            (StuckReason.NO_WORKER, EXTRACT, ""),
            (StuckReason.FAILED, EXTRACT, "internal_error"),
        }
        assert stuck.total == 5  # Both media have a picture that waits.
        oldest = stuck.jobs[0]
        assert (oldest.reason, oldest.media_id) == (StuckReason.NO_WORKER, media_id)
        assert oldest.seconds >= 600
        failed = next(job for job in stuck.jobs if job.reason == StuckReason.FAILED)
        assert (failed.attempt, failed.worker) == (1, "worker-1")
        assert failed.message == "a surprise"
        assert stuck.heartbeat_age_seconds is not None
        assert stuck.heartbeat_age_seconds >= 600

    async def test_a_job_that_is_tried_again_for_long(
        self, freshness: Freshness, world: OperatedWorld, media_id: UUID
    ) -> None:
        away = JobFailed(FailureCode.OBJECT_STORE_AWAY, "no answer")
        await world.ledger.fail(await world.claimed(media_id, UPLOAD), away)
        assert (await world.stuck()).total == 0
        await Job.objects.filter(kind=UPLOAD).aupdate(
            queued_at=timezone.now() - timedelta(hours=1),
            run_after=timezone.now() + timedelta(seconds=15),
        )
        (job,) = (await world.stuck()).jobs
        assert (job.reason, job.code) == (StuckReason.TRIED_AGAIN, "object_store_away")

    async def test_what_was_opened_again_is_not_failed_any_more(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        media_id = await world.failed_media(owner, 1)
        assert (await world.stuck()).total == 1
        await world.retry(media_id, EXTRACT, owner)
        assert (await world.stuck()).total == 0

    async def test_the_list_is_short_and_the_counts_are_whole(
        self, world: OperatedWorld, owner: Session
    ) -> None:
        for number in range(4):
            await world.failed_media(owner, number)
        stuck = await world.operations.stuck(MINUTE, 2)
        assert (stuck.total, len(stuck.jobs)) == (4, 2)


class TestOtherProcesses:
    """They are told nothing, and find the pause where the jobs are."""

    @pytest_asyncio.fixture
    async def other(self, freshness: Freshness) -> AsyncIterator[LedgerWorld]:
        threads = DatabaseThreads(1)
        yield LedgerWorld(threads, freshness, RetryPolicy())
        threads.close()

    async def test_none_begins_it(
        self, other: LedgerWorld, world: OperatedWorld, media_id: UUID
    ) -> None:
        await world.operations.pause(UPLOAD, MACHINE, "")
        assert await other.ledger.claim(media_id, UPLOAD, "worker-2") is None

    async def test_a_lost_lease_is_taken_back_and_waits(
        self, other: LedgerWorld, world: OperatedWorld, media_id: UUID
    ) -> None:
        await world.claimed(media_id, UPLOAD)
        await world.operations.pause(UPLOAD, MACHINE, "")
        await world.expire_leases()
        await other.ledger.reclaim_lost()
        await world.skip_waiting()
        assert (await Job.objects.aget(kind=UPLOAD)).status == "queued"
        assert await other.ledger.due(UPLOAD, 10) == []
