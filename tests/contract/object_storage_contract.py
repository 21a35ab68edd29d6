import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import ObjectKey
from backend.use_cases.ports import ObjectStorage, StoredObject
from tests.blobs import BlobMaker
from tests.recorded_uploads import RecordedUploads

SMALL = b"A small video. " * 100


class ObjectStorageContract:
    """What every `ObjectStorage` does; a subclass has the fixture `storage`."""

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobMaker:
        return BlobMaker(tmp_path)

    async def test_what_was_put_is_there(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(SMALL)
        with blobs.opened(SMALL) as source:
            await storage.put(blob, source, lambda count: None)
        assert await storage.stat(blob.object_key) == StoredObject(
            blob.object_key, len(SMALL), blob.sha256
        )
        file = await storage.download(blob.object_key)
        assert file is not None
        with file:
            assert file.read() == SMALL

    async def test_what_was_put_resumably_is_there_and_counted_once(
        self, storage: ObjectStorage, recorded: RecordedUploads
    ) -> None:
        moved: list[int] = []
        blob = await recorded.put_new(storage, SMALL, moved.append)
        assert sum(moved) == len(SMALL)
        assert await storage.stat(blob.object_key) == StoredObject(
            blob.object_key, len(SMALL), blob.sha256
        )

    async def test_what_is_stored_is_proven_by_its_bytes_alone(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(SMALL)
        assert not await storage.proves(blob)
        with blobs.opened(SMALL) as source:
            await storage.put(blob, source, lambda count: None)
        assert await storage.proves(blob)
        for other in (SMALL[::-1], SMALL[:-1]):
            claimed = replace(blobs.describe(other), object_key=blob.object_key)
            assert not await storage.proves(claimed)

    async def test_a_second_put_changes_nothing(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(SMALL)
        with blobs.opened(SMALL) as source:
            await storage.put(blob, source, lambda count: None)
            await storage.put(blob, source, lambda count: None)
        found = await storage.stat(blob.object_key)
        assert found is not None
        assert found.sha256 == blob.sha256

    async def test_progress_adds_up_to_the_size(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        moved: list[int] = []
        with blobs.opened(SMALL) as source:
            await storage.put(blobs.describe(SMALL), source, moved.append)
        assert sum(moved) == len(SMALL)

    async def test_the_position_of_the_source_does_not_matter_and_stays(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(SMALL)
        with blobs.opened(SMALL) as source:
            source.seek(7)
            await storage.put(blob, source, lambda count: None)
            assert source.tell() == 7
        found = await storage.stat(blob.object_key)
        assert found is not None
        assert found.size_bytes == len(SMALL)

    @pytest.mark.parametrize(
        "rotten", [SMALL[:-1], SMALL + b"!", b"B" + SMALL[1:], b""]
    )
    async def test_a_file_with_other_bytes_is_noticed_and_not_stored(
        self, storage: ObjectStorage, blobs: BlobMaker, rotten: bytes
    ) -> None:
        blob = blobs.describe(SMALL)
        with blobs.opened(rotten) as source, pytest.raises(JobFailed) as caught:
            await storage.put(blob, source, lambda count: None)
        assert caught.value.code is FailureCode.STAGED_FILE_MISSING
        assert await storage.stat(blob.object_key) is None

    async def test_what_is_not_there_is_none(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        key = blobs.describe(os.urandom(8)).object_key
        assert await storage.stat(key) is None
        assert await storage.download(key) is None

    async def test_what_was_removed_is_gone_and_may_be_removed_again(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(SMALL)
        with blobs.opened(SMALL) as source:
            await storage.put(blob, source, lambda count: None)
        await storage.remove(blob.object_key)
        await storage.remove(blob.object_key)
        assert await storage.stat(blob.object_key) is None

    async def test_preparing_again_keeps_what_is_there(
        self, storage: ObjectStorage, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(SMALL)
        with blobs.opened(SMALL) as source:
            await storage.put(blob, source, lambda count: None)
        await storage.prepare()
        file = await storage.download(blob.object_key)
        assert file is not None
        with file:
            assert hashlib.sha256(file.read()).hexdigest() == blob.sha256

    async def test_an_empty_key_prefix_is_no_object(
        self, storage: ObjectStorage
    ) -> None:
        assert await storage.stat(ObjectKey("videos")) is None
