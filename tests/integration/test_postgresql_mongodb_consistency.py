"""What PostgreSQL says of a media and what MongoDB holds of its bytes belong together."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from pydantic import SecretStr

from backend.config.worker_container import WorkerContainer
from backend.domain.errors import DatabaseAway, DocumentStoreAway
from backend.domain.jobs import JobKind
from backend.domain.media import NewMedia
from backend.domain.metadata import BlobMetadata
from backend.orm.models import JobAttempt, Media
from backend.use_cases.ports import Claim
from backend.use_cases.run_job import Progress
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.ledger_world import MP4, LedgerWorld
from tests.ports import TestPorts


class Worker:
    """One worker on the real stores, and a video that it has been given."""

    def __init__(self, container: WorkerContainer) -> None:
        self.container = container
        self._extract = container.extract_metadata

    async def take_in(self, video: bytes) -> UUID:
        session = await sync_to_async(LedgerWorld.session)()
        incoming = await self.container.staging.receive()
        await incoming.write(video)
        new = NewMedia(
            owner_id=session.user_id,
            session_id=session.uuid,
            title="A title",
            description="",
            file_name="clip.mp4",
            container=MP4,
            file=await incoming.seal(),
        )
        ingested = await self.container.media_ledger.ingest(new)
        await incoming.keep()
        return ingested.media_id

    async def claim(self, media_id: UUID) -> Claim:
        claim = await self.container.media_ledger.claim(
            media_id, JobKind.EXTRACT_METADATA, "worker-1"
        )
        assert claim is not None
        return claim

    async def extract(self, claim: Claim) -> None:
        await self._extract.run(claim, Progress(1))

    async def be_told(self, media_id: UUID) -> None:
        await self.container.run_job.execute(media_id, self._extract)

    async def publish(self, media_id: UUID) -> None:
        await self.container.run_job.execute(media_id, self.container.upload_to_cdn)

    async def documents(self, sha256: str) -> list[UUID]:
        async with self.container.mongo_connection.database() as database:
            found = await database.metadata.find({"sha256": sha256}).to_list()
        return [document["_id"] for document in found]

    async def document(self, media_id: UUID) -> BlobMetadata | None:
        media = await Media.objects.select_related("video").aget(uuid=media_id)
        return await self.container.document_store.find(media.blob.uuid)


@pytest.fixture
async def worker(clean_database: TestDatabase) -> AsyncIterator[Worker]:
    container = WorkerContainer(settings.ENVIRONMENT)
    await container.object_storage.prepare()
    yield Worker(container)
    await container.close()


@pytest.fixture
async def worker_without_mongo(clean_database: TestDatabase) -> AsyncIterator[Worker]:
    port = TestPorts().port("mongo")
    nowhere = {"mongo_url": SecretStr(f"mongodb://127.0.0.1:{port}/media")}
    container = WorkerContainer(settings.ENVIRONMENT.model_copy(update=nowhere))
    yield Worker(container)
    await container.close()


@pytest.fixture
def video(clips: ClipMaker) -> bytes:
    """Different in every test: what follows the boxes of an MP4 is a box to skip."""
    return clips.mp4(0.2).read_bytes() + b"\0\0\0\x18free" + uuid4().bytes


class TestOneDocument:
    async def test_ten_messages_at_once_extract_once(
        self, worker: Worker, video: bytes
    ) -> None:
        media_id = await worker.take_in(video)

        await asyncio.gather(*(worker.be_told(media_id) for _ in range(10)))

        assert await JobAttempt.objects.acount() == 1
        media = await Media.objects.select_related("video").aget(uuid=media_id)
        sha256 = hashlib.sha256(video).hexdigest()
        assert await worker.documents(sha256) == [media.blob.uuid]
        assert media.described_at is not None

    async def test_an_attempt_after_one_that_was_cut_off_takes_its_document(
        self, worker: Worker, video: bytes, clean_database: TestDatabase
    ) -> None:
        media_id = await worker.take_in(video)
        claim = await worker.claim(media_id)
        # The document is written, and then the connection to PostgreSQL is gone.
        async with clean_database.cutting_whoever_waits_for("blob"):
            with pytest.raises(DatabaseAway):
                await worker.extract(claim)
        written = await worker.document(media_id)
        assert written is not None
        assert (await Media.objects.aget(uuid=media_id)).described_at is None

        await worker.extract(claim)

        assert (await Media.objects.aget(uuid=media_id)).described_at is not None
        assert await worker.document(media_id) == written
        assert len(await worker.documents(written.sha256)) == 1


class TestReady:
    async def test_it_means_that_there_is_a_document_of_these_bytes(
        self, worker: Worker, video: bytes
    ) -> None:
        media_id = await worker.take_in(video)
        await asyncio.gather(worker.publish(media_id), worker.be_told(media_id))

        assert (await Media.objects.aget(uuid=media_id)).status == "ready"
        document = await worker.document(media_id)
        assert document is not None
        assert document.sha256 == hashlib.sha256(video).hexdigest()

    async def test_it_waits_for_mongodb(
        self, worker: Worker, worker_without_mongo: Worker, video: bytes
    ) -> None:
        media_id = await worker.take_in(video)
        await worker.publish(media_id)
        claim = await worker.claim(media_id)

        with pytest.raises(DocumentStoreAway):
            await worker_without_mongo.extract(claim)

        media = await Media.objects.aget(uuid=media_id)
        assert (media.status, media.described_at) == ("processing", None)
        await worker.extract(claim)
        assert (await Media.objects.aget(uuid=media_id)).status == "ready"
