"""`DELETE /media/{uuid}/` on the real stores, as a client sees it."""

from uuid import UUID, uuid4

import pytest

from backend.domain.media import ObjectKey
from backend.orm.models import Blob, Job
from tests.answers import problem
from tests.clips import ClipMaker
from tests.media_http import Caller, Service


@pytest.fixture
async def owner(service: Service) -> Caller:
    return await service.signed_in("owner@example.org", "media_operator")


class Kept:
    """What the stores have of the bytes that are there now."""

    def __init__(self, service: Service, blob: Blob) -> None:
        self._container = service.worker
        self._blob = blob

    async def stores(self) -> list[bool]:
        """Whether there is an object, a document, a staged file."""
        worker, blob = self._container, self._blob
        return [
            await worker.object_storage.stat(ObjectKey(blob.object_key)) is not None,
            await worker.document_store.find(blob.uuid) is not None,
            worker.staging.holds(blob.staged_name, blob.size_bytes),
        ]


async def ready(service: Service, caller: Caller, media_id: UUID) -> UUID:
    await service.work(media_id)
    assert (await caller.get(media_id)).json()["status"] == "ready"
    return media_id


class TestDelete:
    async def test_only_the_state_that_was_read_if_that_is_wished(
        self, owner: Caller, clips: ClipMaker
    ) -> None:
        media_id = await owner.uploaded(clips.mp4())
        revision = (await owner.get(media_id)).json()["revision"]
        other = await owner.delete(media_id, {"If-Match": f'"{revision + 1}"'})
        assert problem(other) == (412, "revision_mismatch")
        assert (await owner.get(media_id)).status_code == 200
        right = await owner.delete(media_id, {"If-Match": f'"{revision}"'})
        assert right.status_code == 204

    async def test_every_address_of_it_is_gone_and_then_its_bytes(
        self, service: Service, owner: Caller, clips: ClipMaker
    ) -> None:
        media_id = await ready(service, owner, await owner.uploaded(clips.mp4()))
        kept = Kept(service, await Blob.objects.aget(media_type="video/mp4"))
        assert await kept.stores() == [True, True, False]

        answer = await owner.delete(media_id)

        assert (answer.status_code, answer.content) == (204, b"")
        for part in ("", "jobs/", "metadata/", "download/"):
            gone = await owner.get(media_id, part)
            assert problem(gone) == (404, "media_not_found")
        assert problem(await owner.delete(media_id)) == (404, "media_not_found")
        await service.work(media_id)
        assert await kept.stores() == [False, False, False]
        assert not await Blob.objects.aexists()

    async def test_deleting_one_keeps_the_other_whole(
        self, service: Service, owner: Caller, clips: ClipMaker
    ) -> None:
        other = await service.signed_in("other@example.org", "media_operator")
        mine = await ready(service, owner, await owner.uploaded(clips.mp4()))
        theirs = await ready(service, other, await other.uploaded(clips.mp4()))
        kept = Kept(service, await Blob.objects.aget(media_type="video/mp4"))

        await owner.delete(mine)
        await service.work(mine)

        assert await kept.stores() == [True, True, False]
        seen = await owner.get(theirs)
        assert seen.json()["status"] == "ready"
        metadata = await owner.get(theirs, "metadata/")
        assert metadata.json()["sha256"] == seen.json()["sha256"]

        await other.delete(theirs)
        await service.work(theirs)
        assert await kept.stores() == [False, False, False]

    async def test_what_is_still_staged_goes_too(
        self, service: Service, owner: Caller, clips: ClipMaker
    ) -> None:
        media_id = await owner.uploaded(clips.mp4())
        kept = Kept(service, await Blob.objects.aget(media_type="video/mp4"))
        assert await kept.stores() == [False, False, True]
        await owner.delete(media_id)
        await service.work(media_id)
        assert await kept.stores() == [False, False, False]

    async def test_the_request_can_be_followed_into_the_job(
        self, owner: Caller, clips: ClipMaker
    ) -> None:
        answer = await owner.delete(await owner.uploaded(clips.mp4()))
        job = await Job.objects.aget(kind="delete_media")
        assert job.request_id == answer.headers["X-Request-ID"]

    async def test_what_is_not_there_is_404(self, owner: Caller) -> None:
        assert problem(await owner.delete(uuid4())) == (404, "media_not_found")
