"""What the job of a miniature does, with an outside world in memory and the real ledger."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import NewMiniature, ObjectKey, Picture, StagedFile
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, Media, Session, Url
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.make_miniature import MakeMiniature
from backend.use_cases.run_job import LeaseKeeper, LeaseTimes, RunJob
from backend.use_cases.upload_to_cdn import UploadToCdn
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.fakes.staging import InMemoryStaging
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

VIDEO = b"all the frames of a video"
AT_ONCE = RetryPolicy(
    most_failures=2, first_delay=timedelta(), longest_delay=timedelta()
)


class TellingPictureMaker:
    """Makes a "picture" that tells what it is made of; `failure` makes it fail.

    `made` is called once there is one.
    """

    def __init__(self) -> None:
        self.failure: JobFailed | None = None
        self.made: Callable[[], None] = lambda: None

    async def of_picture(self, source: BinaryIO) -> Picture:
        return self._made(b"picture: ", source)

    async def of_video(self, source: BinaryIO) -> Picture:
        return self._made(b"frame: ", source)

    def _made(self, kind: bytes, source: BinaryIO) -> Picture:
        if self.failure is not None:
            raise self.failure
        content = os.pread(source.fileno(), 1 << 20, 0)
        self.made()
        return Picture(kind + content, 64, 48, "Telling 1")


class PatchyStorage(InMemoryObjectStorage):
    """`keeps`: it does not get round to removing anything."""

    keeps = False

    async def remove(self, key: ObjectKey) -> None:
        if self.keeps:
            raise ObjectStoreAway
        await super().remove(key)


class World:
    """Media with their jobs, and a worker that runs those of their miniatures."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self.staging = InMemoryStaging()
        self.storage = PatchyStorage()
        self.maker = TellingPictureMaker()
        self.ledgers = LedgerWorld(
            threads, InMemoryFreshness(), AT_ONCE, self.staging.holds
        )
        self.ledger = self.ledgers.ledger
        self.sessions: dict[UUID, Session] = {}
        keeper = LeaseKeeper(self.ledger, LeaseTimes())
        self._run_job = RunJob(self.ledger, self.staging, keeper, "worker-1")
        self._step = MakeMiniature(
            self.ledger,
            self.staging,
            self.storage,
            BlobBytes(self.staging, self.storage),
            self.maker,
        )

    async def ingest(
        self, email: str = "owner@example.org", picture: bytes | None = None
    ) -> UUID:
        session = await sync_to_async(self.ledgers.session)(email)
        new = self.ledgers.received(session, VIDEO)
        self.staging.files[new.file.name] = bytearray(VIDEO)
        if picture is not None:
            new = replace(new, picture=self.staged(picture))
        ingested = await self.ledger.ingest(new)
        if not ingested.keeps_staged_file:
            await self.staging.remove(new.file.name)
        self.sessions[ingested.media_id] = session
        return ingested.media_id

    def staged(self, content: bytes) -> StagedFile:
        name = uuid4()
        self.staging.files[name] = bytearray(content)
        return StagedFile(name, len(content), hashlib.sha256(content).hexdigest())

    async def send_another(self, media_id: UUID, picture: bytes) -> None:
        session, file = self.sessions[media_id], self.staged(picture)
        await self.ledger.replace_miniature(
            NewMiniature(media_id, session.user_id, session.uuid, file)
        )

    async def run(self, media_id: UUID) -> None:
        await self._run_job.execute(media_id, self._step)

    async def publish(self, media_id: UUID) -> None:
        step = UploadToCdn(
            self.ledger, self.staging, self.storage, self.ledgers.uploads
        )
        await self._run_job.execute(media_id, step)

    async def shown(self, media_id: UUID) -> bytes | None:
        """What a reader gets."""
        url = await Url.objects.filter(media=media_id, kind="miniature").afirst()
        return self.storage.objects[url.object_key] if url else None

    @property
    def pictures(self) -> list[bytes]:
        """All that are stored."""
        objects = self.storage.objects.items()
        return [content for key, content in objects if key.startswith("miniatures/")]


async def newest_job(media_id: UUID) -> Any:
    jobs = Job.objects.filter(media=media_id, kind=JobKind.MAKE_MINIATURE)
    return await jobs.alatest("queued_at")


@pytest_asyncio.fixture
async def world(database_threads: DatabaseThreads) -> AsyncIterator[World]:
    yield World(database_threads)


class TestWhatItIsMadeOf:
    async def test_of_the_picture_that_was_sent(self, world: World) -> None:
        media_id = await world.ingest(picture=b"red")
        await world.run(media_id)
        assert await world.shown(media_id) == b"picture: red"
        assert (await newest_job(media_id)).status == "succeeded"

    async def test_else_of_the_staged_video(self, world: World) -> None:
        media_id = await world.ingest()
        await world.run(media_id)
        assert await world.shown(media_id) == b"frame: " + VIDEO

    async def test_it_needs_no_room_on_a_disk(
        self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        media_id = await world.ingest()
        world.maker.made = partial(
            monkeypatch.setattr, tempfile, "tempdir", str(tmp_path / "gone")
        )
        await world.run(media_id)
        assert await world.shown(media_id) == b"frame: " + VIDEO

    async def test_or_of_the_stored_one(self, world: World) -> None:
        media_id = await world.ingest()
        await world.publish(media_id)
        world.staging.files.clear()
        # What the store gives out is a temporary file: the fake has none to offer.
        world.maker.failure = JobFailed(FailureCode.UNREADABLE_PICTURE, "reached")
        await world.run(media_id)
        assert (await newest_job(media_id)).failure_code == "unreadable_picture"

    async def test_a_picture_that_is_lost_is_named(self, world: World) -> None:
        media_id = await world.ingest(picture=b"red")
        world.staging.files.clear()
        await world.run(media_id)
        assert (await newest_job(media_id)).failure_code == "staged_file_missing"


class TestStaging:
    @pytest.mark.parametrize("failure", [None, "no picture in it"])
    async def test_the_picture_that_was_sent_goes_with_its_job(
        self, world: World, failure: str | None
    ) -> None:
        media_id = await world.ingest(picture=b"red")
        if failure:
            world.maker.failure = JobFailed(FailureCode.UNREADABLE_PICTURE, failure)
        await world.run(media_id)
        assert list(world.staging.files.values()) == [VIDEO]

    async def test_it_stays_as_long_as_the_store_is_away(self, world: World) -> None:
        media_id = await world.ingest(picture=b"red")
        world.storage.away = True
        for _ in range(5):
            await world.run(media_id)
        world.storage.away = False
        await world.run(media_id)
        assert await world.shown(media_id) == b"picture: red"
        assert list(world.staging.files.values()) == [VIDEO]

    async def test_the_video_stays_until_its_frame_is_taken(self, world: World) -> None:
        media_id = await world.ingest()
        await world.publish(media_id)
        assert list(world.staging.files.values()) == [VIDEO]
        extract = await world.ledger.claim(media_id, JobKind.EXTRACT_METADATA, "w")
        assert extract is not None
        await world.ledger.fail(extract, JobFailed(FailureCode.UNREADABLE_MEDIA, "x"))
        assert list(world.staging.files.values()) == [VIDEO]
        await world.run(media_id)
        assert world.staging.files == {}


class TestFailure:
    async def test_the_media_does_not_fail_with_it(self, world: World) -> None:
        media_id = await world.ingest()
        crash = JobFailed(FailureCode.PICTURE_MAKER_CRASHED, "signal 11")
        world.maker.failure = crash
        for _ in range(2):
            await world.run(media_id)
        assert (await newest_job(media_id)).failure_code == "picture_maker_crashed"
        assert (await Media.objects.aget()).status == "processing"

    async def test_other_bytes_at_the_store_are_not_shown(self, world: World) -> None:
        media_id = await world.ingest()
        world.storage.damages = True
        await world.run(media_id)
        assert await world.shown(media_id) is None
        assert (await newest_job(media_id)).failure_code == "object_damaged"


class TestAnother:
    async def test_it_takes_the_place_of_the_old_one(self, world: World) -> None:
        media_id = await world.ingest(picture=b"red")
        await world.run(media_id)
        await world.send_another(media_id, b"blue")
        await world.run(media_id)
        assert await world.shown(media_id) == b"picture: blue"
        assert world.pictures == [b"picture: blue"]
        assert list(world.staging.files.values()) == [VIDEO]

    async def test_while_it_cannot_be_stored_the_old_one_is_shown(
        self, world: World
    ) -> None:
        media_id = await world.ingest(picture=b"red")
        await world.run(media_id)
        await world.send_another(media_id, b"blue")
        world.storage.away = True
        await world.run(media_id)
        assert await world.shown(media_id) == b"picture: red"

    async def test_the_job_ends_when_the_old_one_is_gone(self, world: World) -> None:
        media_id = await world.ingest(picture=b"red")
        await world.run(media_id)
        await world.send_another(media_id, b"blue")
        world.storage.keeps = True
        await world.run(media_id)
        assert await world.shown(media_id) == b"picture: blue"
        assert (await newest_job(media_id)).status == "queued"
        assert len(world.pictures) == 2

        world.storage.keeps = False
        await world.run(media_id)
        assert (await newest_job(media_id)).status == "succeeded"
        assert world.pictures == [b"picture: blue"]
        assert len(world.storage.puts) == 2

    async def test_one_that_another_media_has_stays(self, world: World) -> None:
        media = [
            await world.ingest(f"owner{n}@example.org", picture=b"red")
            for n in range(2)
        ]
        for media_id in media:
            await world.run(media_id)
        assert world.pictures == [b"picture: red"]
        assert len(world.storage.puts) == 1

        await world.send_another(media[0], b"blue")
        await world.run(media[0])

        assert await world.shown(media[1]) == b"picture: red"
        assert sorted(world.pictures) == [b"picture: blue", b"picture: red"]

    async def test_an_object_that_is_gone_is_put_again(self, world: World) -> None:
        media_id = await world.ingest(picture=b"red")
        await world.run(media_id)
        world.storage.objects.clear()
        await world.send_another(media_id, b"red")
        await world.run(media_id)
        assert await world.shown(media_id) == b"picture: red"
