"""What is believed of a store that may not answer."""

import asyncio
import time
from pathlib import Path

import pytest

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef, ObjectKey
from backend.domain.patience import Patience
from backend.domain.sightings import Sight
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.ports import StoredObject
from tests.blobs import BlobMaker
from tests.fakes.object_storage import InMemoryObjectStorage

CONTENT = b"some video"


class SilentObjectStorage(InMemoryObjectStorage):
    async def stat(self, key: ObjectKey) -> StoredObject | None:
        await asyncio.Event().wait()
        return None


class DenyingObjectStorage(InMemoryObjectStorage):
    async def stat(self, key: ObjectKey) -> StoredObject | None:
        raise JobFailed(FailureCode.OBJECT_STORE_DENIED, "wrong keys")


@pytest.fixture
def blob(tmp_path: Path) -> BlobRef:
    return BlobMaker(tmp_path).describe(CONTENT)


class TestObjectCheck:
    @pytest.mark.parametrize(
        ("content", "sight"),
        [
            (CONTENT, Sight.THERE),
            (None, Sight.GONE),
            (CONTENT + b"!", Sight.GONE),
            (CONTENT[::-1], Sight.GONE),
        ],
        ids=["there", "gone", "another size", "other bytes"],
    )
    async def test_an_object_is_there_if_it_holds_the_bytes(
        self, blob: BlobRef, content: bytes | None, sight: Sight
    ) -> None:
        storage = InMemoryObjectStorage()
        if content is not None:
            storage.objects[str(blob.object_key)] = content
        seen = await ObjectCheck(storage).look(blob)
        assert (seen.blob, seen.sight) == (blob, sight)

    async def test_of_a_store_that_does_not_answer_nothing_is_known(
        self, blob: BlobRef
    ) -> None:
        away = InMemoryObjectStorage()
        away.away = True
        for storage in (away, DenyingObjectStorage()):
            assert (await ObjectCheck(storage).look(blob)).sight is Sight.UNKNOWN

    async def test_a_silent_store_is_given_up_soon(self, blob: BlobRef) -> None:
        check = ObjectCheck(SilentObjectStorage(), most_seconds=0.05)
        assert (await check.look(blob)).sight is Sight.UNKNOWN

    async def test_the_request_keeps_patience_for_what_comes_after(
        self, blob: BlobRef
    ) -> None:
        began = time.monotonic()
        with Patience.of_request(1.1):
            seen = await ObjectCheck(SilentObjectStorage()).look(blob)
            assert not Patience.is_spent()
        assert seen.sight is Sight.UNKNOWN
        assert time.monotonic() - began < 1.0

    async def test_one_that_told_nothing_is_left_alone_for_a_while(
        self, blob: BlobRef
    ) -> None:
        storage = InMemoryObjectStorage()
        storage.objects[str(blob.object_key)] = CONTENT
        check = ObjectCheck(storage, pause_seconds=0.5)
        storage.away = True
        assert (await check.look(blob)).sight is Sight.UNKNOWN
        storage.away = False
        assert (await check.look(blob)).sight is Sight.UNKNOWN
        await asyncio.sleep(0.51)
        assert (await check.look(blob)).sight is Sight.THERE
