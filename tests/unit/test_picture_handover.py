"""A received picture and the rows that name it belong together, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.domain.errors import CommitUnknown, JobOpen, RightMissing
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import BlobRef, Ingested, NewMedia, NewMiniature
from backend.domain.sightings import Sighting
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, Media, Session, User
from backend.use_cases.ingest_media import IngestMedia
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.replace_miniature import ReplaceMiniature
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.ingest_leases import InMemoryIngestLeases
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.fakes.staging import InMemoryIncomingFile, InMemoryStaging
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")


class LedgerWithLostAnswers:
    """The real ledger; `lost` is raised in place of its answer."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.lost: Exception | None = None

    async def stored_blob(self, blob_id: UUID) -> BlobRef | None:
        blob: BlobRef | None = await self._ledger.stored_blob(blob_id)
        return blob

    async def ingest(self, new: NewMedia, sighting: Sighting | None = None) -> Ingested:
        return self._answer(await self._ledger.ingest(new, sighting))

    async def replace_miniature(self, new: NewMiniature) -> UUID:
        return self._answer(await self._ledger.replace_miniature(new))

    def _answer(self, answer: Any) -> Any:
        if self.lost is not None:
            raise self.lost
        return answer


class RecordingDoorbell:
    def __init__(self) -> None:
        self.rings: list[tuple[UUID, list[JobKind], str]] = []

    async def ring(
        self, media_id: UUID, kinds: Iterable[JobKind], request_id: str
    ) -> None:
        self.rings.append((media_id, list(kinds), request_id))

    async def waiting(self, kind: JobKind) -> int | None:
        return None


class World:
    def __init__(self, threads: DatabaseThreads) -> None:
        self.staging = InMemoryStaging()
        self.ledgers = LedgerWorld(
            threads, InMemoryFreshness(), RetryPolicy(), self.staging.holds
        )
        self.ledger: Any = LedgerWithLostAnswers(self.ledgers.ledger)
        self.doorbell = RecordingDoorbell()
        self.ingest_media = IngestMedia(
            self.ledger,
            self.doorbell,
            InMemoryIngestLeases(),
            self.staging,
            ObjectCheck(InMemoryObjectStorage()),
        )
        self.replace_miniature = ReplaceMiniature(self.ledger, self.doorbell)
        self.session: Session

    async def received(self, content: bytes) -> InMemoryIncomingFile:
        incoming = InMemoryIncomingFile(self.staging)
        await incoming.write(content)
        return incoming

    async def ingest(
        self, video: InMemoryIncomingFile, picture: InMemoryIncomingFile
    ) -> Ingested:
        new = self.ledgers.received(self.session)
        new = replace(new, file=await video.seal(), picture=await picture.seal())
        return await self.ingest_media.execute(new, video, picture)

    async def replace(self, media_id: UUID, picture: InMemoryIncomingFile) -> UUID:
        user, session = self.session.user_id, self.session.uuid
        file = await picture.seal()
        new = NewMiniature(media_id, user, session, file, "r-2")
        return await self.replace_miniature.execute(new, picture)

    async def with_miniature(self) -> UUID:
        """A media whose first job of this kind is over."""
        video, picture = await self.received(b"video"), await self.received(b"red")
        media_id = (await self.ingest(video, picture)).media_id
        jobs = Job.objects.filter(kind=JobKind.MAKE_MINIATURE)
        await jobs.aupdate(
            status="failed",
            failure_code="internal_error",
            finished_at="2026-01-01T00:00:00Z",
        )
        self.doorbell.rings.clear()
        return media_id


@pytest_asyncio.fixture
async def world(database_threads: DatabaseThreads) -> AsyncIterator[World]:
    world = World(database_threads)
    world.session = await sync_to_async(world.ledgers.session)()
    yield world


class TestIngestMedia:
    async def test_with_a_new_media_it_is_kept(self, world: World) -> None:
        video, picture = await world.received(b"video"), await world.received(b"red")
        await world.ingest(video, picture)
        assert (video.ended_as, picture.ended_as) == ("kept", "kept")
        job = await Job.objects.aget(kind=JobKind.MAKE_MINIATURE)
        assert job.staged_name == picture.name
        (rung,) = world.doorbell.rings
        assert JobKind.MAKE_MINIATURE in rung[1]

    async def test_with_a_duplicate_it_is_discarded(self, world: World) -> None:
        await world.ingest(await world.received(b"video"), await world.received(b"red"))
        video, picture = await world.received(b"video"), await world.received(b"blue")
        assert (await world.ingest(video, picture)).deduplicated
        assert (video.ended_as, picture.ended_as) == ("discarded", "discarded")

    async def test_on_a_known_blob_it_is_kept_without_its_video(
        self, world: World
    ) -> None:
        await world.ingest(await world.received(b"video"), await world.received(b"red"))
        world.session = await sync_to_async(world.ledgers.session)("b@example.org")
        video, picture = await world.received(b"video"), await world.received(b"blue")
        await world.ingest(video, picture)
        assert (video.ended_as, picture.ended_as) == ("discarded", "kept")

    async def test_an_unknown_commit_keeps_both(self, world: World) -> None:
        video, picture = await world.received(b"video"), await world.received(b"red")
        world.ledger.lost = CommitUnknown()
        with pytest.raises(CommitUnknown):
            await world.ingest(video, picture)
        assert (video.ended_as, picture.ended_as) == ("kept", "kept")

    async def test_a_refusal_leaves_neither(self, world: World) -> None:
        video, picture = await world.received(b"video"), await world.received(b"red")
        await User.objects.aupdate(role_id="viewer")
        with pytest.raises(RightMissing):
            await world.ingest(video, picture)
        assert world.staging.files == {}


class TestReplaceMiniature:
    async def test_it_is_kept_and_rung_for(self, world: World) -> None:
        media_id = await world.with_miniature()
        picture = await world.received(b"blue")
        job_id = await world.replace(media_id, picture)
        assert picture.ended_as == "kept"
        assert (await Job.objects.aget(uuid=job_id)).staged_name == picture.name
        assert world.doorbell.rings == [(media_id, [JobKind.MAKE_MINIATURE], "r-2")]

    async def test_a_refusal_leaves_nothing(self, world: World) -> None:
        media_id = await world.with_miniature()
        await world.replace(media_id, await world.received(b"blue"))
        picture = await world.received(b"green")
        with pytest.raises(JobOpen):
            await world.replace(media_id, picture)
        assert picture.ended_as == "discarded"

    async def test_an_unknown_commit_keeps_it(self, world: World) -> None:
        media_id = await world.with_miniature()
        picture = await world.received(b"blue")
        world.ledger.lost = CommitUnknown()
        with pytest.raises(CommitUnknown):
            await world.replace(media_id, picture)
        assert picture.ended_as == "kept"
        assert world.doorbell.rings == []

    async def test_what_nobody_foresaw_after_the_commit_keeps_it(
        self, world: World
    ) -> None:
        media_id = await world.with_miniature()
        picture = await world.received(b"blue")
        world.ledger.lost = RuntimeError("a bug")
        with pytest.raises(RuntimeError):
            await world.replace(media_id, picture)
        assert picture.ended_as == "kept"
        assert await Job.objects.filter(staged_name=picture.name).aexists()

    async def test_a_client_that_leaves_changes_nothing(self, world: World) -> None:
        media_id = await world.with_miniature()
        picture = await world.received(b"blue")
        request = asyncio.create_task(world.replace(media_id, picture))
        for _ in range(3):
            await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        async with asyncio.timeout(5):
            while not world.doorbell.rings:  # noqa: ASYNC110 - the fake tells nobody
                await asyncio.sleep(0.01)
        assert picture.ended_as == "kept"
        assert (await Media.objects.aget()).uuid == media_id
