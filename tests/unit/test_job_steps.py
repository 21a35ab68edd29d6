"""What the two ingest jobs do, with an outside world in memory and the real ledger."""

import hashlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.adapters.system_clock import SystemClock
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Ingested
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob, Job, Media, MultipartUpload, Session, Url
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.ports import Claim, StagedNames
from backend.use_cases.run_job import JobStep, LeaseKeeper, LeaseTimes, Progress, RunJob
from backend.use_cases.upload_to_cdn import UploadToCdn
from tests.fakes.document_store import InMemoryDocumentStore
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.metadata_extractor import CannedMetadataExtractor
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.fakes.staging import InMemoryStaging
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

CONTENT = b"ftyp and moov and all a video needs"
DAMAGED = {
    "zeroed": bytes(len(CONTENT)),
    "other bytes": b"ftyp and moov and all a video NEEDS",
    "cut off": CONTENT[:-1],
    "too long": CONTENT + b"!",
}


class World:
    """One ingested video and the steps that make it ready."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self.staging = InMemoryStaging()
        self.storage = InMemoryObjectStorage()
        self.documents = InMemoryDocumentStore()
        self.extractor = CannedMetadataExtractor()
        self.ledgers = LedgerWorld(
            threads, InMemoryFreshness(), RetryPolicy(), self.staging.holds
        )
        ledger = self.ledgers.ledger
        self.videos = BlobBytes(self.staging, self.storage)
        self.upload_to_cdn = UploadToCdn(
            ledger, self.staging, self.storage, self.ledgers.uploads
        )
        self.extract_metadata = ExtractMetadata(
            ledger,
            self.videos,
            self.extractor,
            self.documents,
            SystemClock(),
        )

    async def ingest(self, email: str = "owner@example.org") -> UUID:
        return (await self.sent(email)).media_id

    async def sent(self, email: str = "owner@example.org") -> Ingested:
        session = await sync_to_async(self.ledgers.session)(email)
        new = self.ledgers.received(session, CONTENT)
        self.staging.files[new.file.name] = bytearray(CONTENT)
        return await self.ledgers.ingested(new)

    async def damage(self, content: bytes) -> None:
        """What is staged is not any more what was received."""
        self.staging.files[(await Blob.objects.aget()).staged_name] = bytearray(content)

    async def run(self, media_id: UUID, *steps: JobStep) -> None:
        """As a worker does, which tells the ledger how it ended."""
        ledger = self.ledgers.ledger
        keeper = LeaseKeeper(ledger, LeaseTimes())
        for step in steps:
            await RunJob(ledger, self.staging, keeper, "worker-1").execute(
                media_id, step
            )

    async def claim(self, media_id: UUID, kind: JobKind) -> Claim:
        claim = await self.ledgers.ledger.claim(media_id, kind, "worker-1")
        assert claim is not None
        return claim

    async def upload(self, media_id: UUID) -> StagedNames:
        claim = await self.claim(media_id, JobKind.UPLOAD_TO_CDN)
        return await self.upload_to_cdn.run(claim, Progress(len(CONTENT)))

    async def give_back(self) -> None:
        """What a worker has that died."""
        await self.ledgers.expire_leases()
        await self.ledgers.ledger.reclaim_lost()
        await self.ledgers.skip_waiting()

    async def extract(self, media_id: UUID) -> StagedNames:
        claim = await self.claim(media_id, JobKind.EXTRACT_METADATA)
        return await self.extract_metadata.run(claim, Progress(len(CONTENT)))


@pytest_asyncio.fixture
async def world(database_threads: DatabaseThreads) -> AsyncIterator[World]:
    yield World(database_threads)


class TestUploadToCdn:
    async def test_the_bytes_are_put_once_and_the_url_is_written(
        self, world: World
    ) -> None:
        await world.upload(await world.ingest())

        blob = await Blob.objects.aget()
        assert blob.state == "stored"
        assert world.storage.objects == {blob.object_key: CONTENT}
        assert (await Url.objects.aget()).object_key == blob.object_key

    async def test_an_object_that_is_there_is_not_put_again(self, world: World) -> None:
        await world.upload(await world.ingest())
        await world.upload(await world.ingest("other@example.org"))

        assert len(world.storage.puts) == 1
        assert await Url.objects.acount() == 2

    async def test_other_bytes_under_the_key_are_replaced(self, world: World) -> None:
        media_id = await world.ingest()
        blob = await Blob.objects.aget()
        world.storage.objects[blob.object_key] = b"something else"

        await world.upload(media_id)

        assert world.storage.objects[blob.object_key] == CONTENT

    async def test_another_attempt_goes_on_where_the_store_went_away(
        self, world: World
    ) -> None:
        media_id = await world.ingest()
        world.storage.parts_left = 2
        with pytest.raises(ObjectStoreAway):
            await world.upload(media_id)
        assert world.storage.parts == [1, 2]

        world.storage.parts_left, world.storage.away = None, False
        await world.give_back()
        await world.upload(media_id)

        assert world.storage.parts == [1, 2, 3]
        assert await MultipartUpload.objects.acount() == 0
        assert (await Blob.objects.aget()).state == "stored"

    async def test_a_completion_whose_answer_got_lost_is_found(
        self, world: World
    ) -> None:
        media_id = await world.ingest()
        claim = await world.claim(media_id, JobKind.UPLOAD_TO_CDN)
        journal = world.ledgers.uploads.journal(claim)
        await journal.begin("completed meanwhile", 16)
        world.storage.objects[str(claim.blob.object_key)] = CONTENT

        await world.upload_to_cdn.run(claim, Progress(len(CONTENT)))

        assert world.storage.parts == []
        assert await MultipartUpload.objects.acount() == 0

    async def test_without_bytes_it_says_so(self, world: World) -> None:
        media_id = await world.ingest()
        world.staging.files.clear()
        with pytest.raises(JobFailed) as caught:
            await world.upload(media_id)
        assert caught.value.code == FailureCode.STAGED_FILE_MISSING

    async def test_a_stored_object_that_is_gone_is_named(self, world: World) -> None:
        await world.upload(await world.ingest())
        other = await world.ingest("other@example.org")
        world.staging.files.clear()
        world.storage.objects.clear()
        with pytest.raises(JobFailed) as caught:
            await world.upload(other)
        assert caught.value.code == FailureCode.OBJECT_MISSING


class TestExtractMetadata:
    async def test_the_report_is_kept_and_the_summary_shown(self, world: World) -> None:
        media_id = await world.ingest()
        await world.extract(media_id)

        document = world.documents.documents[(await Blob.objects.aget()).uuid]
        assert document.sha256 == hashlib.sha256(CONTENT).hexdigest()
        media = await Media.objects.aget()
        assert media.technical is not None
        assert media.technical["video"]["codec"] == "AVC"
        assert media.duration_seconds == 1.0

    async def test_bytes_that_are_known_are_not_read_again(self, world: World) -> None:
        await world.extract(await world.ingest())
        await world.extract(await world.ingest("other@example.org"))
        assert world.extractor.calls == 1

    async def test_it_reads_the_object_once_the_staged_file_is_gone(
        self, world: World
    ) -> None:
        media_id = await world.ingest()
        await world.upload(media_id)
        world.staging.files.clear()
        claim = await world.claim(media_id, JobKind.EXTRACT_METADATA)
        # What the store gives out is a temporary file: the fake has none to offer.
        world.extractor.failure = JobFailed(FailureCode.UNREADABLE_MEDIA, "reached")
        with pytest.raises(JobFailed, match="reached"):
            await world.extract_metadata.run(claim, Progress(1))

    @pytest.mark.parametrize("stored", [False, True])
    async def test_without_bytes_it_says_so(self, world: World, stored: bool) -> None:
        media_id = await world.ingest()
        if stored:
            await world.upload(media_id)
            world.storage.objects.clear()
        world.staging.files.clear()
        with pytest.raises(JobFailed) as caught:
            await world.extract(media_id)
        assert caught.value.code == (
            FailureCode.OBJECT_MISSING if stored else FailureCode.STAGED_FILE_MISSING
        )

    @pytest.mark.parametrize("damage", DAMAGED)
    async def test_of_damaged_bytes_there_is_no_report(
        self, world: World, damage: str
    ) -> None:
        media_id = await world.ingest()
        await world.damage(DAMAGED[damage])
        with pytest.raises(JobFailed) as caught:
            await world.extract(media_id)
        assert caught.value.code == FailureCode.STAGED_FILE_MISSING
        assert world.documents.documents == {}

    async def test_of_a_damaged_object_there_is_no_report(self, world: World) -> None:
        media_id = await world.ingest()
        await world.upload(media_id)
        world.staging.files.clear()
        world.storage.objects[(await Blob.objects.aget()).object_key] = (
            b"moov of others"
        )
        with pytest.raises(JobFailed) as caught:
            await world.extract(media_id)
        assert caught.value.code == FailureCode.OBJECT_DAMAGED
        assert world.documents.documents == {}

    async def test_beside_a_damaged_staged_file_it_reads_the_object(
        self, world: World
    ) -> None:
        media_id = await world.ingest()
        await world.upload(media_id)
        await world.damage(DAMAGED["zeroed"])
        # As above: the fake gives out nothing that the extractor could read.
        world.extractor.failure = JobFailed(FailureCode.UNREADABLE_MEDIA, "reached")
        with pytest.raises(JobFailed, match="reached"):
            await world.extract(media_id)


class TestDamagedStagedFile:
    @pytest.mark.parametrize("first", ["upload_to_cdn", "extract_metadata"])
    @pytest.mark.parametrize("damage", DAMAGED)
    async def test_the_same_file_again_heals_the_media(
        self, world: World, damage: str, first: str
    ) -> None:
        media_id = await world.ingest()
        await world.damage(DAMAGED[damage])
        await world.run(media_id, getattr(world, first))
        media = await Media.objects.aget()
        assert (media.status, media.failure_code) == ("failed", "staged_file_missing")
        job = await Job.objects.aget(kind=first)
        assert (job.status, job.attempt) == ("failed", 1)

        again = await world.sent()
        await world.run(media_id, world.upload_to_cdn, world.extract_metadata)

        assert (again.media_id, again.healed) == (media_id, True)
        assert (await Media.objects.aget()).status == "ready"
        assert list(world.storage.objects.values()) == [CONTENT]

    @pytest.mark.parametrize("damage", ["cut off", "too long"])
    async def test_one_of_another_size_swallows_nothing_before_a_job_has_looked(
        self, world: World, damage: str
    ) -> None:
        media_id = await world.ingest()
        await world.damage(DAMAGED[damage])
        again = await world.sent()
        await world.run(media_id, world.upload_to_cdn)
        assert (again.media_id, again.healed) == (media_id, True)
        assert list(world.storage.objects.values()) == [CONTENT]

    async def test_one_that_reads_well_again_is_put_by_a_retry(
        self, world: World
    ) -> None:
        media_id = await world.ingest()
        await world.damage(DAMAGED["zeroed"])
        await world.run(media_id, world.upload_to_cdn)
        await world.damage(CONTENT)

        caller = await sync_to_async(world.ledgers.caller)(await Session.objects.aget())
        await world.ledgers.ledger.retry(media_id, JobKind.UPLOAD_TO_CDN, caller, "")
        await world.run(media_id, world.upload_to_cdn, world.extract_metadata)

        assert (await Media.objects.aget()).status == "ready"
        assert list(world.storage.objects.values()) == [CONTENT]


class TestConsistencyOfPostgresAndMongo:
    async def test_ready_only_with_object_and_document(self, world: World) -> None:
        media_id = await world.ingest()
        await world.upload(media_id)
        assert (await Media.objects.aget()).status == "processing"

        await world.extract(media_id)

        assert (await Media.objects.aget()).status == "ready"
