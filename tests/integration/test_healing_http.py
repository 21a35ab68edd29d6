"""Uploads of bytes whose object somebody has taken out of the bucket, on real stores."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings

from backend.config.api_container import ApiContainer
from backend.domain.media import ObjectKey
from backend.orm.models import Blob, Media
from tests.api_in_process import ApiInProcess
from tests.black_hole import BlackHole
from tests.clips import ClipMaker
from tests.folders import Looked
from tests.media_http import Caller, Service
from tests.s3 import S3Lab

# A request has 4 s for all its waits for stores, and does some work of its own: a store
# that were waited for as long as boto3 likes would take a minute.
SOON_SECONDS = 8.0
# As many as any machine answers within the patience of a request, two of whose seconds
# the silent store takes.
TWINS = 4


class Bucket:
    """The only object of a video, as somebody treats it by hand."""

    def __init__(self, lab: S3Lab) -> None:
        self._lab = lab

    async def delete(self) -> None:
        async with self._object() as (client, target):
            client.delete_object(**target)

    async def replace(self, content: bytes) -> None:
        async with self._object() as (client, target):
            client.put_object(**target, Body=content)

    async def read(self) -> bytes:
        async with self._object() as (client, target):
            content: bytes = client.get_object(**target)["Body"].read()
        return content

    @asynccontextmanager
    async def _object(self) -> AsyncIterator[tuple[Any, dict[str, str]]]:
        blob = await Blob.objects.aget(object_key__startswith="videos/")
        async with self._lab.client() as client:
            yield client, {
                "Bucket": self._lab.settings.bucket,
                "Key": str(ObjectKey(blob.object_key)),
            }


class Scene:
    """A video that is ready, and its bucket."""

    def __init__(
        self, service: Service, owner: Caller, bucket: Bucket, video: Path
    ) -> None:
        self.service = service
        self.owner = owner
        self.bucket = bucket
        self.video = video
        self.content = video.read_bytes()
        self.staged_before = self._staged()
        self.media_id: UUID

    async def begin(self) -> None:
        self.media_id = await self.owner.uploaded(self.video)
        await self.service.work(self.media_id)
        # Readers keep what they are shown now for a while.
        assert await self.shown() == ["ready", "ready"]

    async def shown(self) -> list[str]:
        """The status in the details and in the list."""
        details = await self.owner.get(self.media_id)
        (listed,) = (await self.owner.list(owner="me")).json()["items"]
        return [details.json()["status"], listed["status"]]

    async def is_whole(self) -> bool:
        """Ready, with exactly its bytes, and with nothing left in staging."""
        assert await self.shown() == ["ready", "ready"]
        assert await self.bucket.read() == self.content
        return self._staged() == self.staged_before

    @asynccontextmanager
    async def without_store(self, port: int) -> AsyncIterator[Caller]:
        """The owner, at an API whose object store is at this port."""
        address = f"http://127.0.0.1:{port}"
        environment = settings.ENVIRONMENT.model_copy(
            update={"s3_endpoint_url": address}
        )
        async with ApiInProcess.of(ApiContainer(environment)) as http:
            yield await self.service.signed_in(
                "owner@example.org", "media_operator", http
            )

    @staticmethod
    def _staged() -> set[str]:
        return Looked.names(settings.ENVIRONMENT.staging_dir)


@pytest.fixture
async def scene(service: Service, clips: ClipMaker, tmp_path: Path) -> Scene:
    owner = await service.signed_in("owner@example.org", "media_operator")
    scene = Scene(service, owner, Bucket(S3Lab(tmp_path)), clips.mp4(0.2))
    await scene.begin()
    return scene


def said(answer: httpx.Response) -> tuple[int, bool, bool]:
    body = answer.json()
    return answer.status_code, body["deduplicated"], body["healed"]


class TestObjectThere:
    async def test_a_duplicate_changes_nothing(self, scene: Scene) -> None:
        answer = await scene.owner.upload(scene.video)
        assert said(answer) == (200, True, False)
        assert answer.json()["uuid"] == str(scene.media_id)
        assert await scene.is_whole()


class TestObjectLost:
    async def test_one_that_was_deleted_comes_back_under_the_same_media(
        self, scene: Scene
    ) -> None:
        await scene.bucket.delete()

        answer = await scene.owner.upload(scene.video)

        assert said(answer) == (200, True, True)
        assert answer.json()["uuid"] == str(scene.media_id)
        assert answer.json()["status"] == "processing"
        assert await scene.shown() == ["processing", "processing"]
        await scene.service.work(scene.media_id)
        assert await scene.is_whole()

    async def test_one_of_another_size_is_replaced(self, scene: Scene) -> None:
        await scene.bucket.replace(b"something else")
        answer = await scene.owner.upload(scene.video)
        assert said(answer) == (200, True, True)
        await scene.service.work(scene.media_id)
        assert await scene.is_whole()

    async def test_a_declared_sha256_does_not_spare_the_bytes(
        self, scene: Scene
    ) -> None:
        sha256 = hashlib.sha256(scene.content).hexdigest()
        declared = await scene.owner.upload(scene.video, sha256=sha256)
        assert said(declared) == (200, True, False)
        await scene.bucket.delete()

        answer = await scene.owner.upload(scene.video, sha256=sha256)

        assert said(answer) == (200, True, True)
        await scene.service.work(scene.media_id)
        assert await scene.is_whole()

    async def test_an_upload_of_somebody_else_heals_it_for_all(
        self, scene: Scene
    ) -> None:
        other = await scene.service.signed_in("other@example.org", "media_operator")
        await scene.bucket.delete()

        answer = await other.upload(scene.video)

        assert said(answer) == (201, True, False)
        assert await scene.shown() == ["processing", "processing"]
        for media_id in (UUID(answer.json()["uuid"]), scene.media_id):
            await scene.service.work(media_id)
        assert await scene.is_whole()
        assert await Media.objects.filter(status="ready").acount() == 2


class TestStoreAway:
    async def test_one_that_refuses_is_asked_by_a_job_later(self, scene: Scene) -> None:
        async with scene.without_store(BlackHole.refusing_port()) as owner:
            answer = await owner.upload(scene.video)
        assert said(answer) == (200, True, False)
        assert answer.json()["status"] == "ready"
        assert answer.json()["jobs"]["upload_to_cdn"] == "queued"
        await scene.service.work(scene.media_id)
        assert await scene.is_whole()

    async def test_one_that_is_silent_holds_nobody_up_and_the_bytes_come_back(
        self, scene: Scene
    ) -> None:
        await scene.bucket.delete()
        sha256 = hashlib.sha256(scene.content).hexdigest()
        with BlackHole.open() as port:
            async with scene.without_store(port) as owner:
                began = time.monotonic()
                answer = await owner.upload(scene.video, sha256=sha256)
                seconds = time.monotonic() - began
        assert said(answer) == (200, True, False)
        assert answer.json()["uuid"] == str(scene.media_id)
        assert seconds < SOON_SECONDS
        await scene.service.work(scene.media_id)
        assert await scene.is_whole()

    async def test_twins_do_not_send_one_another_back_to_a_silent_one(
        self, scene: Scene
    ) -> None:
        """The file of the first is enough, so that the others change nothing."""
        with BlackHole.open() as port:
            async with scene.without_store(port) as owner:
                answers = await asyncio.gather(
                    *(owner.upload(scene.video) for _ in range(TWINS))
                )
        assert {said(answer) for answer in answers} == {(200, True, False)}
        await scene.service.work(scene.media_id)
        assert await scene.is_whole()
