import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.adapters.s3_connection import S3Connection
from backend.adapters.s3_object_inventory import S3ObjectInventory
from backend.adapters.stoppable_threads import StoppableThreads
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import ObjectKey
from backend.use_cases.ports import HeldObject, HeldUpload
from tests.s3 import S3Lab

THEIRS = [
    "a.txt",
    "videos",
    "videos.txt",
    "videos-of-theirs/a.mp4",
    "videos/0/1/2.mp4",
    "videos/0",
    "videos/8-.mp4",
    "videos/Größe 電影.mp4",
    "videos/folder/",
    f"videos/{UUID(int=0)}/{UUID(int=0)}.mp4",
    f"videos/{UUID(int=0)}",
    f"videos/{UUID(int=1 << 127).hex}.mp4",
    f"videos/{str(UUID(int=10 << 124)).upper()}.mp4",
    f"videos/{UUID(int=3 << 126)}.mp4.part",
    f"miniatures/{UUID(int=3 << 126)}.png",
    f"more/{UUID(int=3 << 126)}.mp4",
    "zz",
]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of its own with what others keep in it."""

    client: Any
    name: str

    def make(self) -> None:
        self.client.create_bucket(Bucket=self.name)

    def fill(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.client.put_object(Bucket=self.name, Key=key, Body=b"x" * len(key))

    def lose(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def begin(self, key: str) -> str:
        begun = self.client.create_multipart_upload(Bucket=self.name, Key=key)
        return str(begun["UploadId"])


class Inventories:
    """Inventories of buckets on the server of this run."""

    def __init__(self, lab: S3Lab) -> None:
        self._lab = lab

    @asynccontextmanager
    async def of(
        self, bucket: str, page_most: int = 1000, **changes: Any
    ) -> AsyncIterator[S3ObjectInventory]:
        settings = replace(self._lab.settings, bucket=bucket, **changes)
        inventory = S3ObjectInventory(
            S3Connection(settings), StoppableThreads("inventory", 1), page_most
        )
        try:
            yield inventory
        finally:
            inventory.close()


class InventorySuite:
    """A bucket for all tests of a class: to make one takes the store its time."""

    @pytest.fixture(scope="class")
    @classmethod
    def bucket(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
        lab = S3Lab(tmp_path_factory.getbasetemp())
        with closing(S3Connection(lab.settings)) as connection:
            bucket = Bucket(connection.client, f"inventory-{os.urandom(4).hex()}")
            bucket.make()
            yield bucket

    @pytest.fixture
    def inventories(self, tmp_path: Path) -> Inventories:
        return Inventories(S3Lab(tmp_path))

    @pytest.fixture
    async def inventory(
        self, inventories: Inventories, bucket: Bucket
    ) -> AsyncIterator[S3ObjectInventory]:
        async with inventories.of(bucket.name) as inventory:
            yield inventory


class TestObjects(InventorySuite):
    @pytest.fixture(scope="class")
    @classmethod
    def ours(cls, bucket: Bucket) -> list[str]:
        """In the order of their keys' bytes, among those of others."""
        videos = [str(ObjectKey.video(uuid4(), "mp4")) for _ in range(20)]
        pictures = [str(ObjectKey.miniature(uuid4())) for _ in range(6)]
        bucket.fill([*videos, *THEIRS, *pictures])
        bucket.begin(str(ObjectKey.video(uuid4(), "mp4")))
        return sorted(videos + pictures, key=str.encode)

    async def test_all_of_ours_and_nothing_else(
        self, inventory: S3ObjectInventory, ours: list[str]
    ) -> None:
        found = await inventory.objects("", 1000)
        assert self._keys(found) == ours
        assert [one.size_bytes for one in found] == [len(key) for key in ours]

    async def test_the_time_is_when_it_was_stored(
        self, inventory: S3ObjectInventory, bucket: Bucket
    ) -> None:
        # A listing has whole seconds.
        before = datetime.now(UTC).replace(microsecond=0)
        newest = str(ObjectKey.video(UUID(int=2**128 - 1), "webm"))
        bucket.fill([newest])
        (found,) = await inventory.objects(newest[:-1], 2)
        assert before <= found.stored_at <= datetime.now(UTC)
        bucket.lose(newest)

    @pytest.mark.parametrize(("page_most", "most"), [(1, 1), (2, 5), (3, 4), (1000, 7)])
    async def test_pages_go_on_where_the_one_before_ended(
        self,
        inventories: Inventories,
        bucket: Bucket,
        ours: list[str],
        page_most: int,
        most: int,
    ) -> None:
        async with inventories.of(bucket.name, page_most) as inventory:
            pages = [await inventory.objects("", most)]
            while len(pages[-1]) == most and len(pages) <= len(ours):
                pages.append(await inventory.objects(str(pages[-1][-1].key), most))
        assert [key for page in pages for key in self._keys(page)] == ours

    @pytest.mark.parametrize("place", [2, 9])
    async def test_it_begins_after_a_key_that_is_gone(
        self,
        inventory: S3ObjectInventory,
        bucket: Bucket,
        ours: list[str],
        place: int,
    ) -> None:
        gone = ours.pop(place)
        bucket.lose(gone)
        found = await inventory.objects(gone, 1000)
        assert self._keys(found) == ours[place:]

    async def test_nothing_comes_after_the_last(
        self, inventory: S3ObjectInventory, ours: list[str]
    ) -> None:
        assert await inventory.objects(ours[-1], 1000) == []

    @staticmethod
    def _keys(found: Sequence[HeldObject]) -> list[str]:
        return [str(one.key) for one in found]


class TestUnfinished(InventorySuite):
    @pytest.fixture(scope="class")
    @classmethod
    def earliest(cls) -> datetime:
        """Stores tell whole seconds."""
        return datetime.now(UTC).replace(microsecond=0)

    @pytest.fixture(scope="class")
    @classmethod
    def begun(cls, bucket: Bucket, earliest: datetime) -> set[tuple[str, str]]:
        """Several of one key, and those of others."""
        keys = [str(ObjectKey.video(uuid4(), "mkv")) for _ in range(3)]
        for key in ("videos/theirs.mp4", "backup.tar"):
            bucket.begin(key)
        return {(key, bucket.begin(key)) for key in [*keys, keys[0], keys[0]]}

    @pytest.mark.parametrize("page_most", [1, 2, 1000])
    async def test_all_of_ours_are_found(
        self,
        inventories: Inventories,
        bucket: Bucket,
        begun: set[tuple[str, str]],
        earliest: datetime,
        page_most: int,
    ) -> None:
        async with inventories.of(bucket.name, page_most) as inventory:
            found = await inventory.unfinished()
        assert len(found) == len(begun)
        assert {(str(one.key), one.upload_id) for one in found} == begun
        for one in found:
            assert earliest <= one.begun_at <= datetime.now(UTC)

    async def test_one_that_is_aborted_is_gone_and_the_others_stay(
        self, inventory: S3ObjectInventory, begun: set[tuple[str, str]]
    ) -> None:
        first, *others = await inventory.unfinished()
        begun.remove((str(first.key), first.upload_id))
        for _ in range(2):
            await inventory.abort(first)
        assert await inventory.unfinished() == others

    async def test_to_abort_what_never_was_is_harmless(
        self, inventory: S3ObjectInventory
    ) -> None:
        never = HeldUpload(ObjectKey.video(uuid4(), "mp4"), "x", datetime.now(UTC))
        await inventory.abort(never)


class TestStoreInTrouble(InventorySuite):
    async def test_a_missing_bucket_is_no_empty_one(
        self, inventories: Inventories
    ) -> None:
        async with inventories.of("never-made") as inventory:
            for asked in (inventory.objects("", 10), inventory.unfinished()):
                with pytest.raises(JobFailed) as caught:
                    await asked
                assert caught.value.code is FailureCode.OBJECT_STORE_DENIED

    async def test_wrong_keys_are_refused(self, inventories: Inventories) -> None:
        async with inventories.of("media", secret_access_key="no") as inventory:
            for asked in (inventory.objects("", 10), inventory.unfinished()):
                with pytest.raises(JobFailed) as caught:
                    await asked
                assert caught.value.code is FailureCode.OBJECT_STORE_DENIED

    async def test_a_store_that_does_not_answer_is_away(
        self, inventories: Inventories
    ) -> None:
        nobody = "http://127.0.0.1:1"
        upload = HeldUpload(ObjectKey.video(uuid4(), "mp4"), "x", datetime.now(UTC))
        async with inventories.of(
            "media", endpoint_url=nobody, attempts=1
        ) as inventory:
            for asked in (
                inventory.objects("", 10),
                inventory.unfinished(),
                inventory.abort(upload),
            ):
                with pytest.raises(ObjectStoreAway):
                    await asked
