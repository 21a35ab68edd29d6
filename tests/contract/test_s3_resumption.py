"""Uploads in parts that are interrupted: on the real store, recorded in PostgreSQL."""

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from backend.adapters.s3_object_storage import S3ObjectStorage
from backend.adapters.s3_part_plan import MEBIBYTE
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef
from backend.orm.models import UploadedPart
from backend.use_cases.ports import Claim
from tests.recorded_uploads import RecordedUploads
from tests.s3 import S3Lab

# Two parts of 16 MiB and one more.
LARGE = os.urandom(MEBIBYTE) * 33
TWO_PARTS = 32 * MEBIBYTE


@pytest.fixture
def lab(tmp_path: Path) -> S3Lab:
    return S3Lab(tmp_path)


@pytest.fixture
async def storage(lab: S3Lab) -> AsyncIterator[S3ObjectStorage]:
    async with lab.storage() as storage:
        await storage.prepare()
        yield storage


@pytest.fixture
async def client(lab: S3Lab) -> AsyncIterator[Any]:
    async with lab.client() as client:
        yield client


class Interruption:
    """Holds a put in the middle of its last part until it has been told to stop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reached, self._go_on = asyncio.Event(), threading.Event()
        self._moved = 0

    def moved(self, count: int) -> None:
        self._moved += count
        if self._moved > TWO_PARTS:
            self._loop.call_soon_threadsafe(self._reached.set)
            self._go_on.wait(10)

    async def strike(self, put: asyncio.Task[BlobRef]) -> None:
        await self._reached.wait()
        put.cancel()
        self._loop.call_later(0.05, self._go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await put


async def check_stored(storage: S3ObjectStorage, blob: BlobRef, client: Any) -> None:
    """Whole, in three parts, and nothing beside it."""
    head = client.head_object(Bucket="media", Key=str(blob.object_key))
    assert head["ETag"].endswith('-3"')
    assert S3Lab.unfinished(client, blob) == []
    file = await storage.download(blob.object_key)
    assert file is not None
    with file:
        assert hashlib.sha256(file.read()).hexdigest() == blob.sha256


class TestOneAttempt:
    async def test_a_large_file_goes_in_parts(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
    ) -> None:
        moved: list[int] = []
        blob = await recorded.put_new(storage, LARGE, moved.append)
        assert sum(moved) == len(LARGE)
        assert lab.sent_parts == [1, 2, 3]
        await check_stored(storage, blob, client)

    @pytest.mark.parametrize("rotten", [LARGE[:-1] + b"!", LARGE + b"!"])
    async def test_a_file_with_other_bytes_leaves_nothing_behind(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        rotten: bytes,
    ) -> None:
        claim = await recorded.claimed(LARGE)
        with pytest.raises(JobFailed) as caught:
            await recorded.put(storage, claim, rotten)
        assert caught.value.code is FailureCode.STAGED_FILE_MISSING
        assert await storage.stat(claim.blob.object_key) is None
        assert S3Lab.unfinished(client, claim.blob) == []

    async def test_a_right_object_survives_a_rotten_file(
        self, storage: S3ObjectStorage, recorded: RecordedUploads
    ) -> None:
        claim = await recorded.claimed(LARGE)
        await recorded.put(storage, claim, LARGE)
        with pytest.raises(JobFailed):
            await recorded.put(storage, claim, b"x" + LARGE[1:])
        found = await storage.stat(claim.blob.object_key)
        assert found is not None
        assert found.sha256 == claim.blob.sha256

    async def test_it_ends_what_was_begun_under_its_key(
        self, storage: S3ObjectStorage, recorded: RecordedUploads, client: Any
    ) -> None:
        claim = await recorded.claimed(LARGE)
        key = str(claim.blob.object_key)
        client.create_multipart_upload(Bucket="media", Key=key)
        await recorded.put(storage, claim, LARGE)
        await check_stored(storage, claim.blob, client)

    async def test_without_the_lease_nothing_is_sent_or_left(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
    ) -> None:
        lost = await recorded.claimed(LARGE)
        await recorded.claimed_again(lost)
        with pytest.raises(JobFailed) as caught:
            await recorded.put(storage, lost, LARGE)
        assert caught.value.code is FailureCode.LEASE_LOST
        assert lab.sent_parts == []
        assert S3Lab.unfinished(client, lost.blob) == []


class TestNextAttempt:
    @pytest.fixture
    async def claim(
        self, storage: S3ObjectStorage, recorded: RecordedUploads, lab: S3Lab
    ) -> Claim:
        """Of an attempt after one that was told to stop while it sent the last part."""
        interruption, claim = Interruption(), await recorded.claimed(LARGE)
        putting = recorded.put(storage, claim, LARGE, interruption.moved)
        await interruption.strike(asyncio.create_task(putting))
        lab.sent_parts.clear()
        return await recorded.claimed_again(claim)

    async def test_it_sends_only_what_is_missing(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
        claim: Claim,
    ) -> None:
        moved: list[int] = []
        assert await recorded.noted() == [1, 2]
        assert len(S3Lab.unfinished(client, claim.blob)) == 1
        key = str(claim.blob.object_key)
        client.create_multipart_upload(Bucket="media", Key=key)

        await recorded.put(storage, claim, LARGE, moved.append)

        assert lab.sent_parts == [3]
        assert (moved[0], sum(moved)) == (TWO_PARTS, len(LARGE))
        await check_stored(storage, claim.blob, client)

    @pytest.mark.parametrize(("number", "again"), [(1, [1, 3]), (2, [2, 3])])
    async def test_a_part_that_is_not_there_as_noted_is_sent_again(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
        claim: Claim,
        number: int,
        again: list[int],
    ) -> None:
        noted = UploadedPart.objects.filter(number=number)
        await noted.aupdate(etag=f'"{"0" * 32}"')
        await recorded.put(storage, claim, LARGE)
        assert lab.sent_parts == again
        await check_stored(storage, claim.blob, client)

    async def test_a_part_that_was_never_stored_is_sent(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
        claim: Claim,
    ) -> None:
        part = await UploadedPart.objects.aget(number=2)
        part.pk, part.number = None, 3
        await sync_to_async(part.save)()
        await recorded.put(storage, claim, LARGE)
        assert lab.sent_parts == [3]
        await check_stored(storage, claim.blob, client)

    async def test_other_bytes_that_were_sent_as_a_part_do_no_harm(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        claim: Claim,
    ) -> None:
        [upload_id] = S3Lab.unfinished(client, claim.blob)
        client.upload_part(
            Bucket="media",
            Key=str(claim.blob.object_key),
            UploadId=upload_id,
            PartNumber=2,
            Body=bytes(16 * MEBIBYTE),
        )
        await recorded.put(storage, claim, LARGE)
        await check_stored(storage, claim.blob, client)

    async def test_an_upload_that_is_gone_is_begun_anew(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
        claim: Claim,
    ) -> None:
        await storage.remove(claim.blob.object_key)
        moved: list[int] = []
        await recorded.put(storage, claim, LARGE, moved.append)
        assert lab.sent_parts == [1, 2, 3]
        assert sum(moved) == len(LARGE)
        await check_stored(storage, claim.blob, client)

    async def test_a_file_that_has_changed_meanwhile_ends_it_all_and_is_read_anew(
        self,
        storage: S3ObjectStorage,
        recorded: RecordedUploads,
        client: Any,
        lab: S3Lab,
        claim: Claim,
    ) -> None:
        with pytest.raises(JobFailed, match="not what a part was") as caught:
            await recorded.put(storage, claim, b"x" + LARGE[1:])
        assert caught.value.code is FailureCode.OBJECT_DAMAGED
        assert lab.sent_parts == []
        assert S3Lab.unfinished(client, claim.blob) == []
        assert await storage.stat(claim.blob.object_key) is None
        with pytest.raises(JobFailed) as caught:
            await recorded.put(storage, claim, b"x" + LARGE[1:])
        assert caught.value.code is FailureCode.STAGED_FILE_MISSING
        await recorded.put(storage, claim, LARGE)
        await check_stored(storage, claim.blob, client)
