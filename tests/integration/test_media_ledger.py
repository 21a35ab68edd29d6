"""The rules that PostgreSQL keeps: ingest, claims, endings, the sweep."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backend.domain.errors import (
    InvalidToken,
    RightMissing,
    StagedFileGone,
    StagedFileNotSealed,
)
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.technical import TechnicalSummary
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_ingest import MediaIngest
from backend.orm.models import Blob, Job, JobAttempt, Media, Session, Url, User
from backend.use_cases.ports import Claim, Freshness
from tests.ledger_world import LedgerWorld
from tests.shelf import Shelf

pytestmark = pytest.mark.usefixtures("clean_database")

UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA
MINIATURE = JobKind.MAKE_MINIATURE
SUMMARY = TechnicalSummary("MPEG-4", 5.3, 1_000_000, None, None)
AT_ONCE = RetryPolicy(
    most_failures=3, first_delay=timedelta(), longest_delay=timedelta()
)


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[LedgerWorld]:
    # Fifty at once wait for one another longer than requests do, on a busy machine.
    threads = DatabaseThreads(patience_seconds=60.0, answer_seconds=60.0)
    yield LedgerWorld(threads, freshness, AT_ONCE)
    threads.close()


@pytest.fixture
def session(clean_database: None) -> Session:
    return LedgerWorld.session()


async def claimed(world: LedgerWorld, media_id: object, kind: JobKind) -> Claim:
    claim = await world.ledger.claim(media_id, kind, "worker-1")  # type: ignore[arg-type]
    assert claim is not None
    return claim


class Renewal:
    """The renewal of a lease, held open before its commit."""

    _RENEW = "UPDATE job SET lease_until = now() + interval '15 s' WHERE uuid = %s"
    _WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    def __init__(self, claim: Claim) -> None:
        self._claim = claim

    @asynccontextmanager
    async def uncommitted(self) -> AsyncIterator["Renewal"]:
        address = connection.get_connection_params()
        address.pop("cursor_factory")
        address.pop("context")
        async with await psycopg.AsyncConnection.connect(**address) as renewing:
            await renewing.execute(self._RENEW, [self._claim.job_id])
            self._connection = renewing
            yield self

    async def until_somebody_waits(self) -> None:
        async with asyncio.timeout(60):
            while await self._count() == 0:  # noqa: ASYNC110 - a lock rings no bell
                await asyncio.sleep(0.01)

    async def _count(self) -> int:
        row = await (await self._connection.execute(self._WAITING)).fetchone()
        return int(row[0]) if row else 0


class TestFind:
    async def test_only_the_live_media_of_the_owner_is_found(
        self, world: LedgerWorld, session: Session
    ) -> None:
        new = world.received(session)
        media_id = (await world.ledger.ingest(new)).media_id
        other = await sync_to_async(world.session)("other@example.org")
        sha256 = new.file.sha256

        found = await world.ledger.find(session.user_id, sha256)
        assert found is not None
        assert (found.media_id, found.blob.sha256) == (media_id, sha256)
        assert await world.ledger.find(session.user_id, "0" * 64) is None
        assert await world.ledger.find(other.user_id, sha256) is None
        await Media.objects.aupdate(status="failed", failure_code="unreadable_media")
        assert await world.ledger.find(session.user_id, sha256) is None

    async def test_it_goes_through_indexes_only(
        self, world: LedgerWorld, session: Session, freshness: Freshness
    ) -> None:
        """Whatever else its owner has; with statistics that say how much that is."""
        await Shelf(session.user_id, freshness).fill("A film", 3_000)

        @sync_to_async
        def plan() -> str:
            with connection.cursor() as cursor, transaction.atomic():
                cursor.execute("ANALYZE blob, media")
                with CaptureQueriesContext(connection) as asked:
                    MediaIngest(world.staged.__contains__).find(
                        session.user_id, "0" * 64
                    )
                cursor.execute(f"EXPLAIN {asked.captured_queries[-1]['sql']}")
                return "\n".join(row for (row,) in cursor.fetchall())

        explained = await plan()
        assert "Index Cond: ((sha256)" in explained
        assert explained.count("Index Cond") == 2
        assert "Seq Scan" not in explained


class TestIngest:
    async def test_new_bytes_make_a_media_with_three_queued_jobs(
        self, world: LedgerWorld, session: Session
    ) -> None:
        new = world.received(session)

        ingested = await world.ledger.ingest(new)

        assert (ingested.created, ingested.deduplicated) == (True, False)
        assert ingested.keeps_staged_file
        media = await Media.objects.select_related("video").aget()
        assert (media.uuid, media.status) == (ingested.media_id, "pending")
        assert media.video is not None
        assert media.video.object_key == f"videos/{new.file.name}.mp4"
        jobs = [job.kind async for job in Job.objects.order_by("kind")]
        assert jobs == ["extract_metadata", "make_miniature", "upload_to_cdn"]

    async def test_the_same_bytes_of_the_same_owner_are_his_media(
        self, world: LedgerWorld, session: Session
    ) -> None:
        first = await world.ledger.ingest(world.received(session))
        second = await world.ledger.ingest(world.received(session))

        assert second.media_id == first.media_id
        assert (second.created, second.deduplicated) == (False, True)
        assert not second.keeps_staged_file

    async def test_another_owner_gets_a_media_of_his_own_on_the_same_blob(
        self, world: LedgerWorld, session: Session
    ) -> None:
        other = await sync_to_async(world.session)("other@example.org")
        first = await world.ledger.ingest(world.received(session))
        second = await world.ledger.ingest(world.received(other))

        assert second.media_id != first.media_id
        assert (second.created, second.deduplicated) == (True, True)
        assert await Blob.objects.acount() == 1

    async def test_fifty_at_once_by_two_owners_make_two_media_and_one_blob(
        self, world: LedgerWorld, session: Session
    ) -> None:
        other = await sync_to_async(world.session)("other@example.org")
        received = [world.received(who) for who in [session, other] * 25]

        answers = await asyncio.gather(*map(world.ledger.ingest, received))

        assert sum(answer.created for answer in answers) == 2
        assert sum(answer.keeps_staged_file for answer in answers) == 1
        assert await Blob.objects.acount() == 1
        assert await Media.objects.acount() == 2
        assert await Job.objects.acount() == 6

    async def test_a_failed_media_never_swallows_an_upload(
        self, world: LedgerWorld, session: Session
    ) -> None:
        first = await world.ledger.ingest(world.received(session))
        await Media.objects.aupdate(status="failed", failure_code="unreadable_media")

        second = await world.ledger.ingest(world.received(session))

        assert second.created
        assert second.media_id != first.media_id

    async def test_a_session_revoked_meanwhile_is_refused_and_nothing_stored(
        self, world: LedgerWorld, session: Session
    ) -> None:
        await Session.objects.aupdate(revoked_at=timezone.now())
        with pytest.raises(InvalidToken):
            await world.ledger.ingest(world.received(session))
        assert not await Blob.objects.aexists()

    async def test_an_owner_demoted_meanwhile_is_refused(
        self, world: LedgerWorld, session: Session
    ) -> None:
        await User.objects.aupdate(role_id="viewer")
        with pytest.raises(RightMissing):
            await world.ledger.ingest(world.received(session))
        assert not await Media.objects.aexists()

    async def test_bytes_whose_staged_file_was_lost_live_on_from_the_new_one(
        self, world: LedgerWorld, session: Session
    ) -> None:
        await world.ledger.ingest(world.received(session))
        world.staged.clear()
        other = await sync_to_async(world.session)("other@example.org")
        again = world.received(other)

        ingested = await world.ledger.ingest(again)

        assert ingested.keeps_staged_file
        claim = await claimed(world, ingested.media_id, UPLOAD)
        assert claim.blob.staged_name == again.file.name

    @pytest.mark.parametrize("is_known", [False, True], ids=["new", "lost"])
    async def test_no_blob_lives_on_from_an_unsealed_file(
        self, world: LedgerWorld, session: Session, is_known: bool
    ) -> None:
        if is_known:
            await world.ledger.ingest(world.received(session))
            world.staged.clear()
        before = [blob async for blob in Blob.objects.values()]
        with pytest.raises(StagedFileNotSealed):
            await world.ledger.ingest(LedgerWorld.unsealed(world.received(session)))
        assert [blob async for blob in Blob.objects.values()] == before
        assert await Media.objects.acount() == is_known

    @pytest.mark.parametrize("state", ["staged", "stored"])
    async def test_a_blob_that_has_its_bytes_is_linked_to_from_an_unsealed_file(
        self, world: LedgerWorld, session: Session, state: str
    ) -> None:
        first = await world.ledger.ingest(world.received(session))
        if state == "stored":
            world.staged.clear()
            await Blob.objects.aupdate(state=state, stored_at=timezone.now())
        other = await sync_to_async(world.session)("other@example.org")

        again = await world.ingested(LedgerWorld.unsealed(world.received(session)))
        shared = await world.ingested(LedgerWorld.unsealed(world.received(other)))

        assert (again.media_id, again.created) == (first.media_id, False)
        assert (shared.blob_id, shared.created) == (first.blob_id, True)
        assert not again.keeps_staged_file
        assert not shared.keeps_staged_file

    async def test_a_staged_file_that_is_gone_is_not_taken_for_stored(
        self, world: LedgerWorld, session: Session
    ) -> None:
        new = world.received(session)
        world.staged.clear()
        with pytest.raises(StagedFileGone):
            await world.ledger.ingest(new)
        assert not await Blob.objects.aexists()


class TestFailures:
    async def test_a_passing_failure_is_queued_again_with_its_history(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        claim = await claimed(world, media_id, EXTRACT)

        error = JobFailed(FailureCode.EXTRACTOR_CRASHED, "signal 11")
        await world.ledger.fail(claim, error)

        job = await Job.objects.aget(kind=EXTRACT)
        assert (job.status, job.failed_attempts) == ("queued", 1)
        attempt = await JobAttempt.objects.aget()
        assert (attempt.outcome, attempt.code) == ("failed", "extractor_crashed")
        assert attempt.message == "signal 11"

    async def test_the_last_counted_failure_fails_job_and_media(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        for _ in range(2):
            claim = await claimed(world, media_id, EXTRACT)
            error = JobFailed(FailureCode.EXTRACTOR_CRASHED, "signal 11")
            await world.ledger.fail(claim, error)

        assert (await Job.objects.aget(kind=EXTRACT)).status == "failed"
        media = await Media.objects.aget()
        assert (media.status, media.failure_code) == ("failed", "extractor_crashed")

    async def test_a_store_that_is_away_costs_no_attempt(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        for _ in range(6):
            claim = await claimed(world, media_id, UPLOAD)
            away = JobFailed(FailureCode.OBJECT_STORE_AWAY, "refused")
            await world.ledger.fail(claim, away)

        job = await Job.objects.aget(kind=UPLOAD)
        assert (job.status, job.attempt, job.failed_attempts) == ("queued", 6, 0)

    async def test_a_permanent_failure_is_not_tried_again(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        claim = await claimed(world, media_id, EXTRACT)
        await world.ledger.fail(claim, JobFailed(FailureCode.UNREADABLE_MEDIA, "moov"))
        assert (await Media.objects.aget()).failure_code == "unreadable_media"

    async def test_a_released_job_can_be_claimed_at_once_at_no_cost(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        await world.ledger.release(await claimed(world, media_id, UPLOAD))

        again = await claimed(world, media_id, UPLOAD)

        assert again.attempt == 2
        assert (await Job.objects.aget(kind=UPLOAD)).failed_attempts == 0
        first = await JobAttempt.objects.aget(number=1)
        assert first.outcome == "interrupted"


class TestFence:
    async def test_who_lost_the_lease_changes_nothing(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        late = await claimed(world, media_id, UPLOAD)
        await LedgerWorld.expire_leases()
        assert len((await world.ledger.reclaim_lost()).media) == 1
        newer = await claimed(world, media_id, UPLOAD)

        await world.comes_too_late(late, world.ledger.mark_published(late))
        assert not await world.ledger.renew(late, 50)

        assert not await Url.objects.aexists()
        assert (await Blob.objects.aget()).state == "staged"
        assert (await Job.objects.aget(kind=UPLOAD)).status == "running"
        assert await world.ledger.renew(newer, 50)

    async def test_a_lost_lease_is_queued_at_once_and_costs_one_attempt(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        await claimed(world, media_id, UPLOAD)
        await LedgerWorld.expire_leases()

        await world.ledger.reclaim_lost()

        job = await Job.objects.aget(kind=UPLOAD)
        assert (job.status, job.failed_attempts) == ("queued", 1)
        assert (await JobAttempt.objects.aget()).outcome == "lost"

    async def test_a_file_that_kills_every_worker_ends_failed(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        for _ in range(3):
            await claimed(world, media_id, UPLOAD)
            await LedgerWorld.expire_leases()
            await world.ledger.reclaim_lost()
        media = await Media.objects.aget()
        assert (media.status, media.failure_code) == ("failed", "crash_loop")
        assert (await Job.objects.aget(kind=UPLOAD)).failure_code == "crash_loop"
        codes = {attempt.code async for attempt in JobAttempt.objects.all()}
        assert codes == {"lease_lost"}

    async def test_a_job_given_up_by_the_sweep_lets_the_staged_file_go(
        self, world: LedgerWorld, session: Session
    ) -> None:
        new = world.received(session)
        media_id = await world.taken_in(session)
        await Blob.objects.aupdate(staged_name=new.file.name)
        await world.made_ready(media_id)
        for _ in range(2):
            await claimed(world, media_id, MINIATURE)
            await LedgerWorld.expire_leases()
            assert (await world.ledger.reclaim_lost()).unneeded == ()
        await claimed(world, media_id, MINIATURE)
        await LedgerWorld.expire_leases()

        reclaimed = await world.ledger.reclaim_lost()

        assert len(reclaimed.media) == 1
        assert reclaimed.unneeded == (new.file.name,)

    async def test_a_lease_renewed_under_the_sweep_is_left_alone(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        claim = await claimed(world, media_id, UPLOAD)
        await LedgerWorld.expire_leases()

        async with Renewal(claim).uncommitted() as renewal:
            sweeping = asyncio.create_task(world.ledger.reclaim_lost())
            await renewal.until_somebody_waits()

        assert (await sweeping).media == ()
        assert await world.ledger.renew(claim, 50)

    async def test_a_live_lease_is_left_alone(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        await claimed(world, media_id, UPLOAD)
        assert (await world.ledger.reclaim_lost()).media == ()


class TestDueJobs:
    async def test_a_fresh_job_is_left_to_the_api_and_then_rung_once(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        media = await Media.objects.aget()
        assert (await Job.objects.aget(kind=UPLOAD)).ring_after > media.created_at
        await Job.objects.aupdate(ring_after=timezone.now() + timedelta(minutes=5))
        assert await world.ledger.due(UPLOAD, 10) == []

        await Job.objects.aupdate(ring_after=timezone.now() - timedelta(seconds=1))

        due = await world.ledger.due(UPLOAD, 10)
        assert [(job.media_id, job.request_id) for job in due] == [
            (media_id, "request-1")
        ]
        assert await world.ledger.due(UPLOAD, 10) == []

    async def test_a_media_that_is_not_there_cannot_be_claimed(
        self, world: LedgerWorld
    ) -> None:
        assert await world.ledger.claim(uuid4(), UPLOAD, "worker-1") is None

    async def test_a_heartbeat_is_kept_per_worker(self, world: LedgerWorld) -> None:
        await world.ledger.beat("worker-1")
        await world.ledger.beat("worker-1")


class TestRequestId:
    async def test_it_reaches_the_claim(
        self, world: LedgerWorld, session: Session
    ) -> None:
        new = replace(world.received(session), request_id="abc")
        media_id = (await world.ledger.ingest(new)).media_id
        assert (await claimed(world, media_id, UPLOAD)).request_id == "abc"
