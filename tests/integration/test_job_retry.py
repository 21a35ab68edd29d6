"""What failed is done again, and no media is left with nothing being done for it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.errors import (
    DuplicateMedia,
    InvalidToken,
    JobOpen,
    MediaNotFound,
    NothingToRetry,
    RightMissing,
)
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetriedJob
from backend.domain.media import Ingested
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, Media, Session, Url
from backend.use_cases.ports import Freshness
from tests.retry_world import RetryWorld

pytestmark = pytest.mark.usefixtures("clean_database")

UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA
PICTURE, DELETE = JobKind.MAKE_MINIATURE, JobKind.DELETE_MEDIA


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[RetryWorld]:
    threads = DatabaseThreads()
    yield RetryWorld(threads, freshness)
    threads.close()


@pytest_asyncio.fixture
async def owner(world: RetryWorld) -> Session:
    return await sync_to_async(world.session)()


@pytest_asyncio.fixture
async def media_id(world: RetryWorld, owner: Session) -> UUID:
    return await world.taken_in(owner)


async def status(media_id: UUID) -> tuple[str, str]:
    media = await Media.objects.aget(uuid=media_id)
    return media.status, media.failure_code


class TestRetry:
    async def test_a_failed_media_is_processed_again_by_a_new_job(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.succeeded(media_id, UPLOAD)
        await world.failed(media_id, EXTRACT)
        assert await status(media_id) == ("failed", "internal_error")

        retried = await world.retry(media_id, EXTRACT, owner)

        assert retried.kinds == (EXTRACT,)
        assert await status(media_id) == ("processing", "")
        job = await Job.objects.aget(uuid=retried.job_id)
        assert (job.status, job.attempt, job.request_id) == ("queued", 0, "request-3")
        assert await Job.objects.filter(kind=EXTRACT).acount() == 2
        await world.succeeded(media_id, EXTRACT)
        assert await status(media_id) == ("ready", "")

    @pytest.mark.parametrize("kind", [UPLOAD, EXTRACT])
    async def test_all_that_failed_is_done_again(
        self, world: RetryWorld, owner: Session, media_id: UUID, kind: JobKind
    ) -> None:
        await world.failed(media_id, UPLOAD)
        await world.failed(media_id, EXTRACT)

        retried = await world.retry(media_id, kind, owner)

        assert set(retried.kinds) == {UPLOAD, EXTRACT}
        assert (await Job.objects.aget(uuid=retried.job_id)).kind == kind
        await world.succeeded(media_id, UPLOAD)
        await world.succeeded(media_id, EXTRACT)
        assert await status(media_id) == ("ready", "")

    @pytest.mark.parametrize("upload", ["succeeded", "failed"])
    async def test_the_other_job_may_still_be_under_way(
        self, world: RetryWorld, owner: Session, media_id: UUID, upload: str
    ) -> None:
        running = await world.claimed(media_id, UPLOAD)
        await world.failed(media_id, EXTRACT)
        await world.retry(media_id, EXTRACT, owner)
        if upload == "succeeded":
            await world.ledger.mark_published(running)
        else:
            surprise = JobFailed(FailureCode.INTERNAL_ERROR, "a surprise")
            await world.ledger.fail(running, surprise)
        await world.succeeded(media_id, EXTRACT)

        assert (await status(media_id))[0] == (
            "ready" if upload == "succeeded" else "failed"
        )
        if upload == "failed":
            assert (await world.retry(media_id, UPLOAD, owner)).kinds == (UPLOAD,)
            await world.succeeded(media_id, UPLOAD)
            assert await status(media_id) == ("ready", "")

    async def test_what_had_been_done_before_does_not_count(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        """As when something that was stored has been lost, and both jobs failed."""
        await world.failed(media_id, UPLOAD)
        await world.failed(media_id, EXTRACT)
        now = timezone.now()
        await Media.objects.aupdate(published_at=now, described_at=now)
        await world.retry(media_id, UPLOAD, owner)

        await world.succeeded(media_id, EXTRACT)

        assert (await status(media_id))[0] == "processing"

    async def test_a_picture_is_made_again_without_touching_the_media(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.close_miniature(media_id)
        await world.made_ready(media_id)

        retried = await world.retry(media_id, PICTURE, owner)

        assert retried.kinds == (PICTURE,)
        assert (await status(media_id))[0] == "ready"

    async def test_a_picture_that_was_sent_is_not_lost_by_the_fault_of_a_store(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        sent = uuid4()
        await Job.objects.filter(kind=PICTURE).aupdate(staged_name=sent)
        await world.failed(media_id, PICTURE)

        await world.retry(media_id, PICTURE, owner)

        assert (await world.claimed(media_id, PICTURE)).staged_picture == sent
        assert await Job.objects.filter(staged_name=sent).acount() == 1


class TestRefusals:
    async def test_an_open_job_is_not_doubled(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        with pytest.raises(JobOpen):
            await world.retry(media_id, UPLOAD, owner)
        await world.claimed(media_id, UPLOAD)
        with pytest.raises(JobOpen):
            await world.retry(media_id, UPLOAD, owner)

    @pytest.mark.parametrize("kind", [UPLOAD, DELETE])
    async def test_only_what_failed_is_done_again(
        self, world: RetryWorld, owner: Session, media_id: UUID, kind: JobKind
    ) -> None:
        await world.made_ready(media_id)
        with pytest.raises(NothingToRetry):
            await world.retry(media_id, kind, owner)

    async def test_a_frame_does_not_take_the_place_of_a_picture(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.close_miniature(media_id)
        await Url.objects.acreate(
            media_id=media_id, kind="miniature", object_key="miniatures/x.jpg"
        )
        with pytest.raises(NothingToRetry):
            await world.retry(media_id, PICTURE, owner)

    async def test_of_many_at_once_one_opens_a_job(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, EXTRACT)
        answers = await asyncio.gather(
            *(world.retry(media_id, EXTRACT, owner) for _ in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, RetriedJob) for answer in answers) == 1
        assert sum(isinstance(answer, JobOpen) for answer in answers) == 9

    async def test_a_later_upload_of_the_same_bytes_is_named(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, EXTRACT)
        later = await world.taken_in(owner)

        with pytest.raises(DuplicateMedia) as refused:
            await world.retry(media_id, EXTRACT, owner)

        assert refused.value.members == {"media": str(later)}
        assert (await status(media_id))[0] == "failed"

    async def test_an_upload_at_the_same_moment_is_a_duplicate_one_way_or_the_other(
        self, world: RetryWorld, owner: Session
    ) -> None:
        for number in range(20):
            content = f"video {number}".encode()
            media_id = await world.taken_in(owner, content)
            await world.failed(media_id, EXTRACT)

            retried, ingested = await asyncio.gather(
                world.retry(media_id, EXTRACT, owner),
                world.ledger.ingest(world.received(owner, content)),
                return_exceptions=True,
            )

            assert isinstance(ingested, Ingested)
            if isinstance(retried, RetriedJob):
                assert ingested.media_id == media_id
            else:
                assert isinstance(retried, DuplicateMedia)
                assert ingested.created

    async def test_another_owners_needs_the_right_to_any(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, EXTRACT)
        other = await sync_to_async(world.session)("other@example.org")
        with pytest.raises(RightMissing):
            await world.retry(media_id, EXTRACT, other)
        admin = await sync_to_async(world.session)("admin@example.org", role="admin")
        assert (await world.retry(media_id, EXTRACT, admin)).kinds == (EXTRACT,)

    async def test_whoever_signed_out_meanwhile_is_refused(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await Session.objects.aupdate(revoked_at=timezone.now())
        with pytest.raises(InvalidToken):
            await world.retry(media_id, UPLOAD, owner)

    async def test_what_is_deleted_is_not_there(
        self, world: RetryWorld, owner: Session, media_id: UUID
    ) -> None:
        await world.failed(media_id, EXTRACT)
        await world.delete(media_id, owner)
        with pytest.raises(MediaNotFound):
            await world.retry(media_id, EXTRACT, owner)
