"""What the removal of a media does, with an outside world in memory."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.adapters.system_clock import SystemClock
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Picture
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, JobAttempt, Media
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.delete_media import DeleteMedia
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.run_job import JobStep, LeaseKeeper, LeaseTimes, RunJob
from backend.use_cases.upload_to_cdn import UploadToCdn
from tests.fakes.document_store import InMemoryDocumentStore
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.metadata_extractor import CannedMetadataExtractor
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.fakes.staging import InMemoryStaging
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

CONTENT = b"ftyp and moov and all a video needs"
OWNER, OTHER = "owner@example.org", "other@example.org"


class World:
    """Media, the stores that hold them, and a worker for all their jobs."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self.staging = InMemoryStaging()
        self.storage = InMemoryObjectStorage()
        self.documents = InMemoryDocumentStore()
        self.ledgers = LedgerWorld(
            threads, InMemoryFreshness(), RetryPolicy(), self.staging.holds
        )
        ledger = self.ledgers.ledger
        self._run_job = RunJob(
            ledger, self.staging, LeaseKeeper(ledger, LeaseTimes()), "worker-1"
        )
        self._upload = UploadToCdn(
            ledger, self.staging, self.storage, self.ledgers.uploads
        )
        self._extract = ExtractMetadata(
            ledger,
            BlobBytes(self.staging, self.storage),
            CannedMetadataExtractor(),
            self.documents,
            SystemClock(),
        )
        self._delete = DeleteMedia(ledger, self.staging, self.storage, self.documents)

    async def taken_in(self, email: str = OWNER) -> UUID:
        session = await sync_to_async(self.ledgers.session)(email)
        new = self.ledgers.received(session, CONTENT)
        self.staging.files[new.file.name] = bytearray(CONTENT)
        ingested = await self.ledgers.ingested(new)
        if not ingested.keeps_staged_file:
            await self.staging.remove(new.file.name)
        return ingested.media_id

    async def ready(self, email: str = OWNER, *, is_pictured: bool = False) -> UUID:
        media_id = await self.taken_in(email)
        if is_pictured:
            await self.pictured(media_id)
        else:
            await self.ledgers.close_miniature(media_id)
        await self._run(media_id, self._upload, self._extract)
        return media_id

    async def pictured(self, media_id: UUID) -> None:
        ledger = self.ledgers.ledger
        claim = await self.ledgers.claimed(media_id, JobKind.MAKE_MINIATURE)
        blob = await ledger.begin_picture(claim, Picture(b"a picture", 4, 3, "test"))
        self.storage.objects[str(blob.object_key)] = b"a picture"
        await ledger.show_picture(claim)
        await ledger.mark_pictured(claim)

    async def hidden(self, media_id: UUID, email: str = OWNER) -> None:
        session = await sync_to_async(self.ledgers.session)(email)
        await self.ledgers.delete(media_id, session)

    async def removed(self, media_id: UUID) -> None:
        await self.ledgers.skip_waiting()
        await self._run(media_id, self._delete)

    async def _run(self, media_id: UUID, *steps: JobStep) -> None:
        for step in steps:
            await self._run_job.execute(media_id, step)

    def kept(self) -> list[int]:
        """How many objects, documents and staged files there are."""
        stores = self.storage.objects, self.documents.documents, self.staging.files
        return [len(store) for store in stores]


@pytest_asyncio.fixture
async def world(database_threads: DatabaseThreads) -> AsyncIterator[World]:
    yield World(database_threads)


async def deletion() -> tuple[str, str]:
    job = await Job.objects.aget(kind=JobKind.DELETE_MEDIA)
    return job.status, job.failure_code


class TestDeleteMedia:
    async def test_everything_of_it_is_removed(self, world: World) -> None:
        media_id = await world.ready()
        assert world.kept() == [1, 1, 0]

        await world.hidden(media_id)
        assert world.kept() == [1, 1, 0]
        await world.removed(media_id)

        assert world.kept() == [0, 0, 0]
        assert await deletion() == ("succeeded", "")

    async def test_so_is_what_was_only_received(self, world: World) -> None:
        media_id = await world.taken_in()
        assert world.kept() == [0, 0, 1]
        await world.hidden(media_id)
        await world.removed(media_id)
        assert world.kept() == [0, 0, 0]

    async def test_the_bytes_stay_for_another_media_until_it_goes_too(
        self, world: World
    ) -> None:
        mine, theirs = await world.ready(), await world.ready(OTHER)
        await world.hidden(mine)
        await world.removed(mine)

        assert world.kept() == [1, 1, 0]
        assert (await Media.objects.aget(uuid=theirs)).status == "ready"

        await world.hidden(theirs, OTHER)
        await world.removed(theirs)
        assert world.kept() == [0, 0, 0]

    @pytest.mark.parametrize(
        ("store", "kept"), [("storage", [1, 0, 0]), ("documents", [0, 1, 0])]
    )
    async def test_a_store_that_is_away_is_waited_for(
        self, world: World, store: str, kept: list[int]
    ) -> None:
        media_id = await world.ready()
        await world.hidden(media_id)
        getattr(world, store).away = True
        for _ in range(7):
            await world.removed(media_id)

        assert world.kept() == kept
        assert (await Media.objects.aget()).status == "deleted"
        assert (await deletion())[0] == "queued"

        getattr(world, store).away = False
        await world.removed(media_id)

        assert world.kept() == [0, 0, 0]
        assert await deletion() == ("succeeded", "")
        attempts = JobAttempt.objects.filter(job__kind=JobKind.DELETE_MEDIA)
        outcomes = [a.outcome async for a in attempts.order_by("number")]
        assert outcomes.count("failed") == 7

    async def test_a_cdn_that_refuses_keeps_nothing_in_the_store(
        self, world: World
    ) -> None:
        media_id = await world.ready(is_pictured=True)
        assert world.kept() == [2, 1, 0]
        await world.hidden(media_id)
        world.storage.cdn_is_away = True
        await world.removed(media_id)

        assert world.kept() == [0, 0, 0]
        assert (await deletion())[0] == "queued"
        attempt = await JobAttempt.objects.aget(job__kind=JobKind.DELETE_MEDIA)
        assert attempt.code == "cdn_away"
        assert attempt.message.endswith(" Left: objects: 2.")

        world.storage.cdn_is_away = False
        await world.removed(media_id)
        assert await deletion() == ("succeeded", "")

    async def test_an_attempt_says_what_it_has_done_and_what_is_left(
        self, world: World
    ) -> None:
        media_id = await world.taken_in()
        await world.hidden(media_id)
        world.storage.away = world.documents.away = True
        await world.removed(media_id)

        attempt = await JobAttempt.objects.aget(job__kind=JobKind.DELETE_MEDIA)
        assert attempt.code == "object_store_away"
        assert attempt.message == (
            "The object store does not answer. MongoDB does not answer. "
            "Removed staged files: 1. Left: objects: 1, documents: 1."
        )

        world.storage.away = False
        await world.removed(media_id)

        last = await JobAttempt.objects.aget(job__kind=JobKind.DELETE_MEDIA, number=2)
        assert last.message == (
            "MongoDB does not answer. Removed objects: 1. Left: documents: 1."
        )
