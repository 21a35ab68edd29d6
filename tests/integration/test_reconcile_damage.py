"""What is gone is found, and made again or said to be lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from django.utils import timezone

from backend.domain.consistency import Finding, FindingKind
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import ObjectKey
from backend.orm.models import Blob, Job, Media, Url
from tests.reconcile_world import PICTURE, ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ReconcileWorld]:
    async with ReconcileWorld.running(tmp_path / "staging") as world:
        yield world


async def open_jobs(media_id: UUID) -> set[str]:
    jobs = Job.objects.filter(media=media_id, status__in=["queued", "running"])
    return {kind async for kind in jobs.values_list("kind", flat=True)}


class TestObjectMissing:
    async def test_it_is_put_again_from_its_staged_file(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        content = await world.remove_object(media_id)
        blob = await world.blob(media_id)
        # As long as anybody still needed it.
        await Blob.objects.aupdate(let_go=False)
        world.put_file(blob.staged_name, content)

        assert await world.repairs() == [("object_missing", "repaired")]
        media = await world.media(media_id)
        assert (media.status, media.published_at) == ("processing", None)
        assert await open_jobs(media_id) == {"upload_to_cdn"}

        await world.published(media_id)
        assert (await world.media(media_id)).status == "ready"
        assert await world.holds(blob.object_key)
        assert not world.has_file(blob.staged_name)
        assert await world.plan() == []

    async def test_without_any_bytes_its_media_fail(
        self, world: ReconcileWorld
    ) -> None:
        mine = await world.ready()
        theirs = await world.taken_in(email="other@example.org")
        await world.published(theirs)
        await world.remove_object(mine)
        revision = (await world.media(mine)).revision

        assert await world.repairs() == [("object_missing", "repaired")]
        for media_id in (mine, theirs):
            media = await world.media(media_id)
            assert (media.status, media.failure_code) == ("failed", "object_missing")
        assert (await world.media(mine)).revision > revision
        assert (await Blob.objects.aget()).state == "missing"
        assert not await Url.objects.aexists()
        assert await world.plan() == []

    async def test_one_of_another_size_is_none(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        key = ObjectKey((await world.blob(media_id)).object_key)
        await world.put_object(key, b"cut off")
        assert await world.repairs() == [("object_missing", "repaired")]
        assert (await world.media(media_id)).failure_code == "object_missing"

    async def test_one_that_is_back_when_it_is_acted_upon_is_not_lost(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        (objects,) = (c for c in world.container.comparisons if c.name == "objects")
        key = (await world.blob(media_id)).object_key
        found = Finding(FindingKind.OBJECT_MISSING, key)
        assert not await objects.repair(found)
        assert (await world.media(media_id)).status == "ready"

    async def test_one_that_is_just_put_again_is_not_lost(
        self, world: ReconcileWorld
    ) -> None:
        """Its row is not any more what it was when the store was asked."""
        media_id = await world.ready()
        await world.remove_object(media_id)
        blob = await world.blob(media_id)
        seen = await world.container.consistency_rows.object(blob.object_key)
        assert seen is not None
        later = timezone.now() + timedelta(seconds=1)
        await Blob.objects.aupdate(stored_at=later)
        assert not await world.container.consistency_repairs.lose_object(seen)
        assert (await world.media(media_id)).status == "ready"

    async def test_a_job_that_is_to_publish_it_finds_out_by_itself(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        other = await world.taken_in(email="other@example.org")
        await world.remove_object(media_id)
        assert await world.repairs() == [("object_missing", "claimed meanwhile")]
        assert await open_jobs(other) >= {"upload_to_cdn"}

    async def test_a_picture_is_made_again(self, world: ReconcileWorld) -> None:
        media_id = await world.taken_in()
        picture = await world.pictured(media_id)
        await world.worker.object_storage.remove(ObjectKey(picture.object_key))

        assert await world.repairs() == [("object_missing", "repaired")]
        assert (await Blob.objects.aget(uuid=picture.uuid)).state == "missing"
        assert "make_miniature" in await open_jobs(media_id)

        again = await world.pictured(media_id)
        assert (again.uuid, again.state) == (picture.uuid, "stored")
        assert await world.plan() == []

    async def test_a_media_that_failed_otherwise_is_not_made_ready_without_it(
        self, world: ReconcileWorld
    ) -> None:
        """It had been published, and a retry does only what has failed."""
        media_id = await world.taken_in()
        await world.published(media_id)
        await world.without_miniature(media_id)
        claim = await world.ledger.claim(media_id, JobKind.EXTRACT_METADATA, "test")
        assert claim is not None
        await world.put_document(claim.blob.uuid, claim.blob.sha256)
        unreadable = JobFailed(FailureCode.UNREADABLE_MEDIA, "no tracks")
        for name in await world.ledger.fail(claim, unreadable):
            await world.worker.staging.remove(name)
        await world.remove_object(media_id)
        assert await world.repairs() == [("object_missing", "repaired")]

        await world.retry(media_id, JobKind.EXTRACT_METADATA)
        await world.described(media_id)

        assert (await world.media(media_id)).status == "processing"
        await world.published(media_id)
        media = await world.media(media_id)
        assert (media.status, media.failure_code) == ("failed", "object_missing")


class TestObjectReturned:
    async def test_its_media_is_published_again(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        content = await world.remove_object(media_id)
        await world.repairs()
        blob = await world.blob(media_id)
        await world.put_object(ObjectKey(blob.object_key), content)

        assert await world.repairs() == [("object_returned", "repaired")]
        assert await open_jobs(media_id) == {"upload_to_cdn"}
        await world.published(media_id)
        assert (await world.media(media_id)).status == "ready"
        assert await world.plan() == []

    async def test_a_retry_that_finds_it_first_has_all_its_media_come_back(
        self, world: ReconcileWorld
    ) -> None:
        ready = await world.ready(email="other@example.org")
        late = await world.taken_in()
        content = await world.remove_object(ready)
        await world.published(late)
        await world.repairs()
        for media_id in (ready, late):
            media = await world.media(media_id)
            assert (media.status, media.failure_code) == ("failed", "object_missing")
        blob = await world.blob(late)
        await world.put_object(ObjectKey(blob.object_key), content)

        await world.retry(late, JobKind.UPLOAD_TO_CDN)
        await world.published(late)

        assert (await world.blob(late)).state == "stored"
        assert await world.plan() == []
        assert await open_jobs(ready) == {"upload_to_cdn"}
        await world.published(ready)
        assert (await world.media(ready)).status == "ready"

    async def test_of_two_media_of_an_owner_one_comes_back(
        self, world: ReconcileWorld
    ) -> None:
        first = await world.ready()
        content = await world.remove_object(first)
        await world.repairs()
        blob = await world.blob(first)
        media = await world.media(first)
        twin = Media(
            title="Twin",
            file_name="clip.mp4",
            owner_id=media.owner_id,
            video=blob,
            status="failed",
            failure_code="object_missing",
        )
        await twin.asave(force_insert=True)
        await world.put_object(ObjectKey(blob.object_key), content)

        assert await world.repairs() == [("object_returned", "repaired")]
        statuses = {m.uuid: m.status async for m in Media.objects.all()}
        assert statuses == {first: "failed", twin.uuid: "processing"}

    @pytest.mark.parametrize(
        ("code", "status"),
        [("staged_file_missing", "processing"), ("unreadable_media", "failed")],
    )
    async def test_only_media_that_lacked_their_bytes_come_back(
        self, world: ReconcileWorld, code: str, status: str
    ) -> None:
        media_id = await world.ready()
        content = await world.remove_object(media_id)
        await world.repairs()
        await Media.objects.filter(uuid=media_id).aupdate(failure_code=code)
        blob = await world.blob(media_id)
        await world.put_object(ObjectKey(blob.object_key), content)

        assert await world.repairs() == [("object_returned", "repaired")]
        assert (await world.media(media_id)).status == status

    async def test_other_bytes_are_not_it(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        content = await world.remove_object(media_id)
        await world.repairs()
        key = ObjectKey((await world.blob(media_id)).object_key)
        await world.put_object(key, bytes(len(content)))
        assert await world.plan() == []

    async def test_a_picture_is_shown_again(self, world: ReconcileWorld) -> None:
        media_id = await world.taken_in()
        picture = await world.pictured(media_id)
        key = ObjectKey(picture.object_key)
        await world.worker.object_storage.remove(key)
        await world.repairs()
        await world.put_object(key, PICTURE)
        assert await world.repairs() == [("object_returned", "repaired")]
        assert (await Blob.objects.aget(uuid=picture.uuid)).state == "stored"


class TestDocumentMissing:
    async def test_it_is_extracted_again(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        await world.remove_document(media_id)
        assert await world.repairs() == [("document_missing", "repaired")]
        media = await world.media(media_id)
        assert (media.status, media.described_at) == ("processing", None)
        assert await open_jobs(media_id) == {"extract_metadata"}

        await world.described(media_id)
        assert (await world.media(media_id)).status == "ready"
        assert await world.plan() == []

    async def test_that_of_other_bytes_is_none(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        await world.put_document((await world.blob(media_id)).uuid)
        assert await world.repairs() == [("document_missing", "repaired")]

    async def test_one_that_is_there_when_it_is_acted_upon_is_not_lost(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        (documents,) = (c for c in world.container.comparisons if c.name == "documents")
        blob_id = (await world.blob(media_id)).uuid
        found = Finding(FindingKind.DOCUMENT_MISSING, str(blob_id))
        assert not await documents.repair(found)
        assert (await world.media(media_id)).status == "ready"


class TestMediaWithoutJob:
    @pytest.mark.parametrize("status", ["pending", "processing"])
    async def test_it_gets_the_jobs_that_it_lacks(
        self, world: ReconcileWorld, status: str
    ) -> None:
        media_id = await world.taken_in()
        await Job.objects.all().adelete()
        await Media.objects.aupdate(status=status)
        assert await world.repairs() == [("media_without_job", "repaired")]
        assert await open_jobs(media_id) == {"upload_to_cdn", "extract_metadata"}
        assert (await world.media(media_id)).status == "processing"

    async def test_one_that_has_a_job_meanwhile_is_left_alone(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.taken_in()
        assert not await world.container.consistency_repairs.reopen(media_id)
        await Job.objects.filter(kind=JobKind.EXTRACT_METADATA).adelete()
        assert not await world.container.consistency_repairs.reopen(media_id)
