"""What nobody owns is found and removed; what somebody claims stays."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from django.db.models.functions import Now

from backend.domain.consistency import Finding, FindingKind, UnownedUpload
from backend.domain.jobs import JobKind
from backend.domain.media import ObjectKey
from backend.orm.models import Blob, Job, Media, MultipartUpload
from backend.use_cases.comparisons.base import Comparison
from tests.reconcile_world import ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ReconcileWorld]:
    async with ReconcileWorld.running(tmp_path / "staging") as world:
        yield world


class TestConsistent:
    async def test_nothing_is_found_of_media_that_are_whole(
        self, world: ReconcileWorld
    ) -> None:
        await world.ready()
        await world.taken_in(b"another video")
        pictured = await world.taken_in(b"a third video")
        await world.pictured(pictured)
        assert await world.plan() == []
        assert await world.report() == []


class TestStagedFiles:
    async def test_one_that_no_row_needs_is_removed(
        self, world: ReconcileWorld
    ) -> None:
        name = world.put_file()
        assert await world.plan() == [
            ("staged_file_unowned", str(name), "remove the file")
        ]
        assert world.has_file(name)
        assert await world.repairs() == [("staged_file_unowned", "repaired")]
        assert not world.has_file(name)
        assert await world.plan() == []

    async def test_what_a_stored_blob_left_behind_goes(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        name = world.put_file((await world.blob(media_id)).staged_name)
        assert await world.repairs() == [("staged_file_unowned", "repaired")]
        assert not world.has_file(name)

    async def test_that_of_a_stored_blob_stays_while_a_job_is_open(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.taken_in()
        await world.published(media_id)
        assert world.has_file((await world.blob(media_id)).staged_name)
        assert await world.plan() == []

    async def test_that_of_an_upload_that_failed_stays(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        name = world.put_file((await world.blob(media_id)).staged_name)
        await Job.objects.filter(media=media_id, kind=JobKind.UPLOAD_TO_CDN).aupdate(
            status="failed", failure_code="object_damaged"
        )
        assert await world.plan() == []
        assert world.has_file(name)

    async def test_a_picture_of_a_job_that_may_be_retried_stays(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        name = world.put_file()
        await Job.objects.filter(media=media_id, kind=JobKind.MAKE_MINIATURE).aupdate(
            staged_name=name
        )
        assert await world.plan() == []

    async def test_one_that_is_being_received_stays(
        self, world: ReconcileWorld
    ) -> None:
        incoming = await world.worker.staging.receive()
        await incoming.write(b"slowly")
        assert await world.repairs() == [("staged_file_unowned", "claimed meanwhile")]
        assert world.has_file(incoming.name)
        await incoming.discard()

    async def test_one_that_was_claimed_meanwhile_stays(
        self, world: ReconcileWorld
    ) -> None:
        name = world.put_file()
        found = Finding(FindingKind.STAGED_FILE_UNOWNED, str(name))
        media_id = await world.taken_in()
        await Blob.objects.filter(media=media_id).aupdate(staged_name=name)
        assert not await Repairs(world).of("staged_files", found)
        assert world.has_file(name)


class TestObjects:
    async def test_one_without_a_row_is_removed(self, world: ReconcileWorld) -> None:
        key = ObjectKey.video(uuid4(), "mp4")
        await world.put_object(key, b"nobody's")
        assert await world.plan() == [("object_unowned", str(key), "remove the object")]
        assert await world.repairs() == [("object_unowned", "repaired")]
        assert not await world.holds(key)

    async def test_one_that_the_cdn_does_not_forget_is_removed_all_the_same(
        self, tmp_path: Path
    ) -> None:
        nobody = {
            "cdn_purge_url": "http://127.0.0.1:1/purge",
            "cdn_base_url": "http://127.0.0.1:1",
        }
        async with ReconcileWorld.running(tmp_path / "other", **nobody) as world:
            key = ObjectKey.video(uuid4(), "mp4")
            await world.put_object(key, b"nobody's")
            assert await world.repairs() == [("object_unowned", "repaired")]
            assert not await world.holds(key)

    async def test_one_that_a_deletion_is_about_to_remove_is_left_to_it(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        await world.delete(media_id)
        claim = await world.ledger.claim(media_id, JobKind.DELETE_MEDIA, "test")
        assert claim is not None
        await world.ledger.let_go(claim)
        assert not await Blob.objects.aexists()
        assert await world.plan() == []

    async def test_one_that_was_claimed_meanwhile_stays(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        blob = await world.blob(media_id)
        found = Finding(FindingKind.OBJECT_UNOWNED, blob.object_key)
        assert not await Repairs(world).of("objects", found)
        assert await world.holds(blob.object_key)


class TestDocuments:
    async def test_one_without_a_row_is_removed(self, world: ReconcileWorld) -> None:
        blob_id = uuid4()
        await world.put_document(blob_id)
        assert await world.plan() == [
            ("document_unowned", str(blob_id), "remove the document")
        ]
        assert await world.repairs() == [("document_unowned", "repaired")]
        assert not await world.has_document(blob_id)

    async def test_one_that_was_claimed_meanwhile_stays(
        self, world: ReconcileWorld
    ) -> None:
        blob = await world.blob(await world.ready())
        found = Finding(FindingKind.DOCUMENT_UNOWNED, str(blob.uuid))
        assert not await Repairs(world).of("documents", found)
        assert await world.has_document(blob.uuid)


class TestUploads:
    async def test_one_that_no_attempt_is_at_is_aborted(
        self, world: ReconcileWorld
    ) -> None:
        key = ObjectKey.video(uuid4(), "mp4")
        world.begin_upload(key)
        assert await world.plan() == [("upload_unowned", str(key), "abort the upload")]
        assert await world.repairs() == [("upload_unowned", "repaired")]
        assert await world.container.object_inventory.unfinished() == []

    async def test_that_of_a_running_attempt_stays(self, world: ReconcileWorld) -> None:
        media_id = await world.taken_in()
        blob = await world.blob(media_id)
        upload_id = world.begin_upload(ObjectKey(blob.object_key))
        (held,) = await world.container.object_inventory.unfinished()
        await world.ledger.claim(media_id, JobKind.UPLOAD_TO_CDN, "test")

        assert await world.plan() == []
        named = UnownedUpload(upload_id, held.begun_at)
        found = Finding(FindingKind.UPLOAD_UNOWNED, blob.object_key, upload=named)
        assert not await Repairs(world).of("uploads", found)
        assert len(await world.container.object_inventory.unfinished()) == 1

    async def test_that_which_the_next_attempt_goes_on_with_stays(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.taken_in()
        blob = await world.blob(media_id)
        upload_id = world.begin_upload(ObjectKey(blob.object_key))
        await MultipartUpload.objects.acreate(
            blob=blob, upload_id=upload_id, part_bytes=16
        )
        assert await world.plan() == []
        # Put again, for nobody could tell whether the object is there.
        await Blob.objects.aupdate(state="stored", stored_at=Now())
        assert "upload_unowned" not in [kind for kind, *_ in await world.plan()]
        await Blob.objects.aupdate(state="staged")

        failed = {"status": "failed", "failure_code": "object_damaged"}
        await Job.objects.filter(media=media_id).aupdate(**failed, finished_at=Now())
        await Media.objects.filter(uuid=media_id).aupdate(**failed)
        assert await world.plan() == [
            ("upload_unowned", blob.object_key, "abort the upload")
        ]


class TestBlobs:
    async def test_one_that_nothing_refers_to_goes_with_all_that_it_had(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        blob = await world.blob(media_id)
        world.put_file(blob.staged_name)
        await Media.objects.filter(uuid=media_id).adelete()

        assert sorted(await world.repairs()) == [
            ("blob_unused", "repaired"),
            ("document_unowned", "repaired"),
            ("object_unowned", "repaired"),
            ("staged_file_unowned", "repaired"),
        ]
        assert not await Blob.objects.aexists()
        assert not await world.holds(blob.object_key)
        assert not await world.has_document(blob.uuid)
        assert not world.has_file(blob.staged_name)

    async def test_one_that_was_claimed_meanwhile_stays(
        self, world: ReconcileWorld
    ) -> None:
        blob = await world.blob(await world.taken_in())
        found = Finding(FindingKind.BLOB_UNUSED, str(blob.uuid))
        assert not await Repairs(world).of("unused_blobs", found)
        assert await Blob.objects.filter(uuid=blob.uuid).aexists()


class TestWhatIsNotOurs:
    async def test_what_is_younger_than_the_grace_is_not_found(
        self, tmp_path: Path
    ) -> None:
        staging = tmp_path / "staging"
        async with ReconcileWorld.running(
            staging, reconcile_grace_seconds=3_600
        ) as world:
            media_id = await world.ready()
            await Media.objects.filter(uuid=media_id).adelete()
            world.put_file()
            await world.put_object(ObjectKey.video(uuid4(), "mp4"), b"young")
            await world.put_document(uuid4())
            world.begin_upload(ObjectKey.video(uuid4(), "mp4"))
            lost = await world.ready(b"lost")
            await world.remove_object(lost)
            await world.remove_document(lost)
            assert await world.plan() == []

    async def test_what_is_older_than_the_database_is_left(
        self, world: ReconcileWorld
    ) -> None:
        key, blob_id, name = ObjectKey.video(uuid4(), "mp4"), uuid4(), world.put_file()
        await world.put_object(key, b"of the database before")
        await world.put_document(blob_id)
        async with world.made_anew():
            assert await world.repairs() == [
                ("object_unowned", "left"),
                ("document_unowned", "left"),
                ("staged_file_unowned", "left"),
            ]
            await world.turn()
        assert {each["action"] for each in await world.report()} == {
            "left: older than the database"
        }
        assert await world.holds(key)
        assert await world.has_document(blob_id)
        assert world.has_file(name)


class Repairs:
    """What happens to a finding when its moment comes."""

    def __init__(self, world: ReconcileWorld) -> None:
        self._comparisons: dict[str, Comparison] = {
            each.name: each for each in world.container.comparisons
        }

    async def of(self, comparison: str, finding: Finding) -> bool:
        return await self._comparisons[comparison].repair(finding)
