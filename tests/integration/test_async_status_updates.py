"""Two jobs that end in any order, and what their media shows of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.domain.jobs import JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import JobAttempt, Media, Session, Url
from backend.use_cases.ports import Freshness
from tests.ledger_world import SUMMARY, LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[LedgerWorld]:
    threads = DatabaseThreads()
    yield LedgerWorld(threads, freshness, RetryPolicy())
    threads.close()


@pytest.fixture
def session(clean_database: None) -> Session:
    return LedgerWorld.session()


class TestAsyncStatusUpdates:
    async def test_a_claim_begins_processing_and_is_given_once(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id

        claims = await asyncio.gather(
            *(world.ledger.claim(media_id, UPLOAD, f"worker-{n}") for n in range(10))
        )

        assert sum(claim is not None for claim in claims) == 1
        assert (await Media.objects.aget()).status == "processing"
        assert await JobAttempt.objects.acount() == 1

    @pytest.mark.parametrize(
        "rounds", [30, pytest.param(500, marks=pytest.mark.faults)]
    )
    async def test_ready_when_published_and_described_whatever_comes_first(
        self, world: LedgerWorld, session: Session, rounds: int
    ) -> None:
        for number in range(rounds):
            new = world.received(session, f"video {number}".encode())
            media_id = (await world.ledger.ingest(new)).media_id
            upload = await world.claimed(media_id, UPLOAD)
            extract = await world.claimed(media_id, EXTRACT)
            await asyncio.gather(
                world.ledger.mark_published(upload),
                world.ledger.mark_described(extract, SUMMARY),
            )
            media = await Media.objects.aget(uuid=media_id)
            assert media.status == "ready"
            assert media.duration_seconds == 5.3
        assert await Url.objects.acount() == rounds

    async def test_the_staged_file_may_go_when_the_last_job_has_ended(
        self, world: LedgerWorld, session: Session
    ) -> None:
        new = world.received(session)
        media_id = (await world.ledger.ingest(new)).media_id
        await world.close_miniature(media_id)
        upload = await world.claimed(media_id, UPLOAD)
        extract = await world.claimed(media_id, EXTRACT)

        assert await world.ledger.mark_published(upload) == ()
        ended = await world.ledger.mark_described(extract, SUMMARY)
        assert ended == (new.file.name,)

    @pytest.mark.parametrize(
        "rounds", [10, pytest.param(100, marks=pytest.mark.faults)]
    )
    async def test_of_two_last_jobs_at_once_one_lets_the_staged_file_go(
        self, world: LedgerWorld, session: Session, rounds: int
    ) -> None:
        other = await sync_to_async(world.session)("other@example.org")
        for number in range(rounds):
            content = f"video {number}".encode()
            new = world.received(session, content)
            media = [
                (await world.ledger.ingest(each)).media_id
                for each in (new, world.received(other, content))
            ]
            for media_id in media:
                await world.close_miniature(media_id)
                upload = await world.claimed(media_id, UPLOAD)
                assert await world.ledger.mark_published(upload) == ()
            claims = [await world.claimed(media_id, EXTRACT) for media_id in media]

            ended = await asyncio.gather(
                *(world.ledger.mark_described(claim, SUMMARY) for claim in claims)
            )

            assert set(ended) == {(new.file.name,), ()}

    async def test_a_blob_is_uploaded_for_one_media_at_a_time(
        self, world: LedgerWorld, session: Session
    ) -> None:
        other = await sync_to_async(world.session)("other@example.org")
        first = (await world.ledger.ingest(world.received(session))).media_id
        second = (await world.ledger.ingest(world.received(other))).media_id

        claims = await asyncio.gather(
            *(world.ledger.claim(media, UPLOAD, "w") for media in (first, second))
        )

        (running,) = [claim for claim in claims if claim is not None]
        waiting = second if running.media_id == first else first
        assert await world.ledger.claim(waiting, UPLOAD, "w") is None
        await world.ledger.mark_published(running)
        # The one that waited is rung for at once.
        due = await world.ledger.due(UPLOAD, 10)
        assert [job.media_id for job in due] == [waiting]
        assert (await world.claimed(waiting, UPLOAD)).blob.stored

    async def test_one_half_alone_is_not_ready(
        self, world: LedgerWorld, session: Session
    ) -> None:
        media_id = (await world.ledger.ingest(world.received(session))).media_id
        await world.ledger.mark_published(await world.claimed(media_id, UPLOAD))
        assert (await Media.objects.aget()).status == "processing"
