import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from backend.adapters.cdn_addresses import PublicCdnAddresses, SignedCdnAddresses
from backend.adapters.folder import Folder
from backend.adapters.s3_object_storage import S3ObjectStorage
from backend.adapters.s3_part_plan import MEBIBYTE
from backend.domain.errors import StorageFull
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef, ObjectKey
from tests.blobs import BlobMaker
from tests.contract.object_storage_contract import SMALL, ObjectStorageContract
from tests.recorded_uploads import RecordedUploads
from tests.s3 import S3Lab


class S3Suite(ObjectStorageContract):
    """The object storage of this run's S3 server; its bucket is made first."""

    public_read = True

    @pytest.fixture
    def lab(self, tmp_path: Path) -> S3Lab:
        return S3Lab(tmp_path)

    @pytest.fixture
    async def storage(self, lab: S3Lab) -> AsyncIterator[S3ObjectStorage]:
        async with lab.storage(public_read=self.public_read) as storage:
            await storage.prepare()
            yield storage

    @pytest.fixture
    async def client(self, lab: S3Lab) -> AsyncIterator[Any]:
        async with lab.client() as client:
            yield client

    @pytest.fixture
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient() as browser:
            yield browser

    @pytest.fixture
    async def stored(self, storage: S3ObjectStorage, blobs: BlobMaker) -> BlobRef:
        blob = blobs.describe(SMALL)
        with blobs.opened(SMALL) as source:
            await storage.put(blob, source, lambda count: None)
        return blob


class TestS3ObjectStorage(S3Suite):
    async def test_what_a_killed_attempt_has_begun_goes_with_the_object(
        self, storage: S3ObjectStorage, blobs: BlobMaker, client: Any
    ) -> None:
        blob = blobs.describe(SMALL)
        client.create_multipart_upload(Bucket="media", Key=str(blob.object_key))
        await storage.remove(blob.object_key)
        assert S3Lab.unfinished(client, blob) == []

    async def test_an_object_of_parts_is_proven_by_its_bytes_alone(
        self, storage: S3ObjectStorage, recorded: RecordedUploads
    ) -> None:
        content = os.urandom(MEBIBYTE) * 20
        blob = await recorded.put_new(storage, content)
        assert await storage.proves(blob)
        other = hashlib.sha256(content[::-1]).hexdigest()
        assert not await storage.proves(replace(blob, sha256=other))

    async def test_below_the_floor_nothing_is_brought(
        self, lab: S3Lab, stored: BlobRef, tmp_path: Path
    ) -> None:
        lab.downloads = Folder(tmp_path, floor_bytes=1 << 60)
        async with lab.storage() as storage:
            with pytest.raises(StorageFull):
                await storage.download(stored.object_key)

    async def test_an_object_that_was_changed_behind_our_back_is_noticed(
        self, storage: S3ObjectStorage, stored: BlobRef, client: Any
    ) -> None:
        client.put_object(
            Bucket="media",
            Key=str(stored.object_key),
            Body=b"something else",
            Metadata={"sha256": stored.sha256},
        )
        with pytest.raises(JobFailed) as caught:
            await storage.download(stored.object_key)
        assert caught.value.code is FailureCode.OBJECT_DAMAGED

    async def test_many_may_prepare_a_new_bucket_at_once(
        self, lab: S3Lab, client: Any
    ) -> None:
        name = f"new-{os.urandom(4).hex()}"
        async with lab.storage(bucket=name) as storage:
            await asyncio.gather(*(storage.prepare() for _ in range(4)))
            assert await storage.stat(ObjectKey("videos/x.mp4")) is None
        assert (
            "MediaProjectPublicRead" in client.get_bucket_policy(Bucket=name)["Policy"]
        )
        client.delete_bucket(Bucket=name)

    async def test_a_missing_bucket_is_no_missing_object(self, lab: S3Lab) -> None:
        async with lab.storage(bucket="never-made") as storage:
            for ask in (storage.stat, storage.download):
                with pytest.raises(JobFailed) as caught:
                    await ask(ObjectKey("videos/x.mp4"))
                assert caught.value.code is FailureCode.OBJECT_STORE_DENIED


class TestPublicReading(S3Suite):
    @pytest.fixture
    def addresses(self, lab: S3Lab) -> PublicCdnAddresses:
        return PublicCdnAddresses(f"{lab.settings.endpoint_url}/media")

    async def test_anybody_reads_a_video_and_may_keep_it_for_ever(
        self,
        stored: BlobRef,
        addresses: PublicCdnAddresses,
        browser: httpx.AsyncClient,
    ) -> None:
        answer = await browser.get(addresses.address(str(stored.object_key)))
        assert answer.status_code == 200
        assert answer.content == SMALL
        assert answer.headers["Content-Type"] == "video/mp4"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Content-Disposition" not in answer.headers

    async def test_a_player_reads_ranges(
        self,
        stored: BlobRef,
        addresses: PublicCdnAddresses,
        browser: httpx.AsyncClient,
    ) -> None:
        answer = await browser.get(
            addresses.address(str(stored.object_key)), headers={"Range": "bytes=2-6"}
        )
        assert answer.status_code == 206
        assert answer.content == SMALL[2:7]
        assert answer.headers["Content-Range"] == f"bytes 2-6/{len(SMALL)}"

    async def test_miniatures_are_public_other_folders_are_not(
        self,
        stored: BlobRef,
        addresses: PublicCdnAddresses,
        browser: httpx.AsyncClient,
        client: Any,
    ) -> None:
        for key, status in (("miniatures/a.jpg", 200), ("private/a.txt", 403)):
            client.put_object(Bucket="media", Key=key, Body=b"x")
            assert (await browser.get(addresses.address(key))).status_code == status

    @pytest.mark.parametrize("question", ["", "?list-type=2", "?prefix=videos/", "/"])
    async def test_nobody_may_list(
        self,
        stored: BlobRef,
        addresses: PublicCdnAddresses,
        browser: httpx.AsyncClient,
        question: str,
    ) -> None:
        answer = await browser.get(addresses.address("")[:-1] + question)
        assert answer.status_code == 403

    async def test_nobody_may_write_or_remove(
        self,
        stored: BlobRef,
        addresses: PublicCdnAddresses,
        browser: httpx.AsyncClient,
    ) -> None:
        address = addresses.address(str(stored.object_key))
        assert (await browser.put(address, content=b"x")).status_code == 403
        assert (await browser.delete(address)).status_code == 403

    async def test_what_others_wrote_into_the_policy_stays(
        self, storage: S3ObjectStorage, client: Any, lab: S3Lab
    ) -> None:
        theirs = (
            '{"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Deny",'
            ' "Principal": "*", "Action": ["s3:GetObject"],'
            ' "Resource": ["arn:aws:s3:::media/secret/*"]}]}'
        )
        client.put_bucket_policy(Bucket="media", Policy=theirs)
        await storage.prepare()
        assert self.sids(client) == ["Theirs", "MediaProjectPublicRead"]
        async with lab.storage(public_read=False) as signed:
            await signed.prepare()
        assert self.sids(client) == ["Theirs"]
        client.delete_bucket_policy(Bucket="media")

    @staticmethod
    def sids(client: Any) -> list[str]:
        policy = json.loads(client.get_bucket_policy(Bucket="media")["Policy"])
        return [statement["Sid"] for statement in policy["Statement"]]


class TestSignedReading(S3Suite):
    public_read = False

    @pytest.fixture
    def addresses(self, lab: S3Lab) -> SignedCdnAddresses:
        return SignedCdnAddresses(
            endpoint_url=lab.settings.endpoint_url,
            bucket=lab.settings.bucket,
            region=lab.settings.region,
            access_key_id=lab.settings.access_key_id,
            secret_access_key=lab.settings.secret_access_key,
        )

    async def test_an_address_without_signature_is_refused(
        self, stored: BlobRef, lab: S3Lab, browser: httpx.AsyncClient
    ) -> None:
        bare = f"{lab.settings.endpoint_url}/media/{stored.object_key}"
        assert (await browser.get(bare)).status_code == 403

    async def test_a_signed_address_works_and_takes_ranges(
        self,
        stored: BlobRef,
        addresses: SignedCdnAddresses,
        browser: httpx.AsyncClient,
    ) -> None:
        address = addresses.address(str(stored.object_key))
        assert "X-Amz-Expires=900" in address
        assert (await browser.get(address)).content == SMALL
        part = await browser.get(address, headers={"Range": "bytes=0-1"})
        assert (part.status_code, part.content) == (206, SMALL[:2])

    @pytest.mark.parametrize(
        ("was", "becomes"),
        [
            ("X-Amz-Expires=900", "X-Amz-Expires=604800"),
            ("X-Amz-Signature=", "X-Amz-Signature=0"),
            ("/videos/", "/miniatures/"),
        ],
    )
    async def test_a_tampered_address_is_refused(
        self,
        stored: BlobRef,
        addresses: SignedCdnAddresses,
        browser: httpx.AsyncClient,
        was: str,
        becomes: str,
    ) -> None:
        address = addresses.address(str(stored.object_key))
        assert (await browser.get(address.replace(was, becomes))).status_code == 403

    @pytest.mark.parametrize(
        "name",
        ["clip.mp4", 'a "b"\\c%.mp4', "Größe 電影 🎬.mp4", "a\r\nSet-Cookie: b.mp4"],
    )
    async def test_a_download_has_the_name_of_the_file(
        self,
        stored: BlobRef,
        addresses: SignedCdnAddresses,
        browser: httpx.AsyncClient,
        name: str,
    ) -> None:
        answer = await browser.get(
            addresses.download_address(str(stored.object_key), name)
        )
        assert (answer.status_code, answer.content) == (200, SMALL)
        header = answer.headers["Content-Disposition"]
        assert header.startswith('attachment; filename="')
        assert unquote(header.split("filename*=UTF-8''")[1]) == name
        assert "Set-Cookie" not in answer.headers
