"""An upload of bytes whose object is gone brings their media back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.errors import StagedFileNotSealed
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Ingested, NewMedia
from backend.domain.sightings import ObjectUnseen, Sight, Sighting
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob, Job, Media, Session
from backend.use_cases.ports import Freshness
from tests.ledger_world import SUMMARY, LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA
MINIATURE = JobKind.MAKE_MINIATURE
GONE, UNKNOWN = Sight.GONE, Sight.UNKNOWN
DENIED = JobFailed(FailureCode.OBJECT_STORE_DENIED, "wrong keys")
# Ends of a look after which nobody knows more of the object than before.
NOTHING_SEEN = [
    FailureCode.OBJECT_STORE_DENIED,
    FailureCode.STEP_TIMED_OUT,
    FailureCode.INTERNAL_ERROR,
]


class HealingWorld(LedgerWorld):
    """Media of one video, whose object may be gone."""

    def __init__(self, threads: DatabaseThreads, freshness: Freshness) -> None:
        super().__init__(threads, freshness, RetryPolicy(most_failures=1))

    async def owner(self, name: str = "owner") -> Session:
        return await sync_to_async(self.session)(f"{name}@example.org")

    async def ready(self, session: Session) -> UUID:
        """All its jobs are over, and nothing of it is staged any more."""
        media_id = await self.taken_in(session)
        await self.close_miniature(media_id)
        await self.made_ready(media_id)
        self.staged.clear()
        return media_id

    async def lost(self, session: Session) -> UUID:
        """The reconciler found that the object is gone."""
        media_id = await self.ready(session)
        await self.lose(media_id)
        return media_id

    async def lose(self, media_id: UUID, code: str = "object_missing") -> None:
        await Media.objects.filter(uuid=media_id).aupdate(
            status="failed", failure_code=code
        )
        await Blob.objects.aupdate(state="missing")

    async def published(self, media_id: UUID) -> None:
        await self.ledger.mark_published(await self.claimed(media_id, UPLOAD))

    async def unseen(self, new: NewMedia) -> ObjectUnseen:
        """What the transaction wants to have looked for."""
        with pytest.raises(ObjectUnseen) as caught:
            await self.ledger.ingest(new)
        return caught.value


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[HealingWorld]:
    threads = DatabaseThreads()
    yield HealingWorld(threads, freshness)
    threads.close()


@pytest_asyncio.fixture
async def owner(world: HealingWorld) -> Session:
    return await world.owner()


async def status(media_id: UUID) -> tuple[str, str]:
    media = await Media.objects.aget(uuid=media_id)
    return media.status, media.failure_code


async def open_jobs(media_id: UUID) -> set[str]:
    jobs = Job.objects.filter(media=media_id, status="queued")
    return {kind async for kind in jobs.values_list("kind", flat=True)}


async def newest_upload(media_id: UUID) -> tuple[str, str]:
    uploads = Job.objects.filter(media=media_id, kind=UPLOAD)
    job = await uploads.order_by("-queued_at").afirst()
    assert job is not None
    return job.status, job.failure_code


async def blob() -> tuple[str, UUID]:
    only = await Blob.objects.aget()
    return only.state, only.staged_name


class TestObjectThere:
    async def test_a_duplicate_is_one_only_after_a_look(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        before = await blob()
        new = LedgerWorld.unsealed(world.received(owner))

        unseen = await world.unseen(new)
        seen = Sighting(unseen.blob, Sight.THERE)
        ingested = await world.ledger.ingest(new, seen)

        assert (ingested.media_id, ingested.created) == (media_id, False)
        assert (ingested.deduplicated, ingested.healed) == (True, False)
        assert not ingested.keeps_staged_file
        assert await status(media_id) == ("ready", "")
        assert await blob() == before
        assert await open_jobs(media_id) == set()

    async def test_a_link_of_another_owner_is_one_only_after_a_look(
        self, world: HealingWorld, owner: Session
    ) -> None:
        await world.ready(owner)
        new = world.received(await world.owner("other"))
        await world.unseen(new)
        assert await Media.objects.acount() == 1

    async def test_a_media_that_was_given_up_comes_back(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """Somebody has put the object back by hand."""
        media_id = await world.ready(owner)
        await Media.objects.aupdate(status="failed", failure_code="object_missing")

        ingested = await world.ingested(world.received(owner))

        assert (ingested.media_id, ingested.healed) == (media_id, True)
        assert not ingested.keeps_staged_file
        assert await open_jobs(media_id) == {UPLOAD}
        await world.published(media_id)
        assert await status(media_id) == ("ready", "")


class TestObjectGone:
    async def test_a_ready_media_is_processed_again_from_the_received_file(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        revision = (await Media.objects.aget()).revision
        new = world.received(owner)

        ingested = await world.ingested(new, GONE)

        assert ingested == Ingested(
            media_id,
            ingested.blob_id,
            created=False,
            deduplicated=True,
            keeps_staged_file=True,
            healed=True,
            changed=(media_id,),
            given_up=ingested.given_up,
        )
        assert await blob() == ("staged", new.file.name)
        assert await status(media_id) == ("processing", "")
        assert (await Media.objects.aget()).revision > revision
        assert await open_jobs(media_id) == {UPLOAD}
        claim = await world.claimed(media_id, UPLOAD)
        assert claim.blob.staged_name == new.file.name
        assert await world.ledger.mark_published(claim) == (new.file.name,)
        assert await status(media_id) == ("ready", "")
        assert (await blob())[0] == "stored"

    async def test_no_blob_is_healed_from_a_file_that_is_not_sealed(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        with pytest.raises(StagedFileNotSealed):
            await world.ingested(LedgerWorld.unsealed(world.received(owner)), GONE)
        assert await status(media_id) == ("ready", "")
        assert (await blob())[0] == "stored"

    async def test_what_is_known_to_be_missing_heals_without_a_look(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.lost(owner)
        new = world.received(owner)

        ingested = await world.ledger.ingest(new)

        assert (ingested.media_id, ingested.healed) == (media_id, True)
        assert await blob() == ("staged", new.file.name)
        assert await status(media_id) == ("processing", "")
        await world.published(media_id)
        assert await status(media_id) == ("ready", "")

    async def test_deciding_jobs_that_failed_for_it_are_done_again(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await world.published(media_id)
        world.staged.clear()
        for kind in (EXTRACT, MINIATURE):
            claim = await world.claimed(media_id, kind)
            gone = JobFailed(FailureCode.OBJECT_MISSING, "nothing there")
            await world.ledger.fail(claim, gone)
        assert await status(media_id) == ("failed", "object_missing")

        ingested = await world.ingested(world.received(owner), GONE)

        assert (ingested.media_id, ingested.healed) == (media_id, True)
        assert await open_jobs(media_id) == {UPLOAD, EXTRACT}
        await world.published(media_id)
        assert await status(media_id) == ("processing", "")
        extract = await world.claimed(media_id, EXTRACT)
        await world.ledger.mark_described(extract, SUMMARY)
        assert await status(media_id) == ("ready", "")

    async def test_a_media_that_still_waits_for_its_report_gets_an_upload(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await world.published(media_id)

        ingested = await world.ingested(world.received(owner), GONE)

        assert ingested.healed
        extract = await world.claimed(media_id, EXTRACT)
        await world.ledger.mark_described(extract, SUMMARY)
        assert await status(media_id) == ("processing", "")
        await world.published(media_id)
        assert await status(media_id) == ("ready", "")

    async def test_the_older_staged_file_is_given_up(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """Not relied upon: the job that let it go may be about to remove it."""
        media_id = await world.taken_in(owner)
        await world.published(media_id)
        older = (await blob())[1]
        new = world.received(owner)
        assert (await world.ingested(new, GONE)).given_up == older
        assert (await blob())[1] == new.file.name

    async def test_deleting_media_swallow_nothing(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        await world.delete(media_id, owner)

        ingested = await world.ingested(world.received(owner), GONE)

        assert (ingested.created, ingested.healed) == (True, False)
        assert ingested.media_id != media_id
        assert (await Media.objects.aget(uuid=media_id)).status == "deleting"

    @pytest.mark.parametrize("sight", [Sight.THERE, GONE, UNKNOWN])
    @pytest.mark.parametrize("code", ["object_damaged", "unreadable_media"])
    async def test_media_that_failed_otherwise_swallow_nothing(
        self, world: HealingWorld, owner: Session, code: str, sight: Sight
    ) -> None:
        failed = await world.ready(owner)
        await Media.objects.aupdate(status="failed", failure_code=code)

        ingested = await world.ingested(world.received(owner), sight)

        assert (ingested.created, ingested.healed) == (True, False)
        assert await status(failed) == ("failed", code)


class TestSeveralMedia:
    async def test_one_that_failed_otherwise_is_not_made_ready_before_the_object(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """It had been published; the upload that heals is another owner's."""
        media_id = await world.taken_in(owner)
        await world.close_miniature(media_id)
        await world.published(media_id)
        claim = await world.claimed(media_id, EXTRACT)
        await world.ledger.fail(claim, JobFailed(FailureCode.INTERNAL_ERROR, "bug"))
        other = await world.owner("other")
        assert (await world.ingested(world.received(other), GONE)).created

        caller = await sync_to_async(world.caller)(owner)
        retried = await world.ledger.retry(media_id, EXTRACT, caller, "")
        assert retried.kinds == (EXTRACT, UPLOAD)
        claim = await world.claimed(media_id, EXTRACT)
        await world.ledger.mark_described(claim, SUMMARY)
        assert await status(media_id) == ("processing", "")

    async def test_all_owners_get_theirs_back(
        self, world: HealingWorld, owner: Session
    ) -> None:
        other, third = await world.owner("other"), await world.owner("third")
        mine, theirs = await world.ready(owner), await world.ready(other)
        failed = await world.ready(third)
        await Media.objects.filter(uuid=failed).aupdate(
            status="failed", failure_code="object_missing"
        )

        ingested = await world.ingested(world.received(owner), GONE)

        assert ingested.media_id == mine
        assert set(ingested.changed) == {mine, theirs, failed}
        for media_id in (mine, theirs, failed):
            assert await status(media_id) == ("processing", "")
            await world.published(media_id)
            assert await status(media_id) == ("ready", "")
        assert world.staged == {(await blob())[1]}

    async def test_a_newcomer_heals_what_others_have(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.lost(owner)
        newcomer = await world.owner("newcomer")

        ingested = await world.ledger.ingest(world.received(newcomer))

        assert (ingested.created, ingested.deduplicated) == (True, True)
        assert not ingested.healed
        assert ingested.changed == (media_id,)
        assert await status(media_id) == ("processing", "")

    async def test_of_two_that_an_owner_lost_the_newest_comes_back(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """As he may have after a transfer."""
        other = await world.owner("other")
        first, second = await world.ready(owner), await world.ready(other)
        older = timezone.now() - timedelta(days=1)
        await Media.objects.filter(uuid=second).aupdate(created_at=older)
        for media_id in (first, second):
            await world.lose(media_id)
        await Media.objects.filter(uuid=second).aupdate(owner=owner.user_id)

        ingested = await world.ledger.ingest(world.received(owner))

        assert (ingested.media_id, ingested.changed) == (first, (first,))
        assert await status(second) == ("failed", "object_missing")

    async def test_one_that_is_live_keeps_those_that_were_lost_from_coming_back(
        self, world: HealingWorld, owner: Session
    ) -> None:
        other = await world.owner("other")
        live, lost = await world.ready(owner), await world.ready(other)
        await Media.objects.filter(uuid=lost).aupdate(
            status="failed", failure_code="object_missing", owner=owner.user_id
        )

        ingested = await world.ingested(world.received(owner), GONE)

        assert (ingested.media_id, ingested.changed) == (live, (live,))
        assert await status(lost) == ("failed", "object_missing")
        again = await world.ingested(world.received(owner))
        assert (again.media_id, again.healed) == (live, False)


class TestStoreAway:
    async def test_the_bytes_are_kept_and_a_job_looks(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        new = world.received(owner)

        ingested = await world.ingested(new, UNKNOWN)

        assert (ingested.media_id, ingested.created) == (media_id, False)
        assert (ingested.deduplicated, ingested.healed) == (True, False)
        assert ingested.keeps_staged_file
        assert await blob() == ("stored", new.file.name)
        assert await status(media_id) == ("ready", "")
        assert await open_jobs(media_id) == {UPLOAD}
        claim = await world.claimed(media_id, UPLOAD)
        assert await status(media_id) == ("ready", "")
        assert await world.ledger.mark_published(claim) == (new.file.name,)
        assert await status(media_id) == ("ready", "")

    async def test_the_bytes_of_one_upload_are_enough(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        first = world.received(owner)
        await world.ingested(first, UNKNOWN)

        spare = LedgerWorld.unsealed(world.received(owner))
        ingested = await world.ingested(spare, UNKNOWN)

        assert (ingested.media_id, ingested.given_up) == (media_id, None)
        assert not ingested.keeps_staged_file
        assert await blob() == ("stored", first.file.name)
        claim = await world.claimed(media_id, UPLOAD)
        assert await world.ledger.mark_published(claim) == (first.file.name,)

    async def test_an_upload_that_runs_may_have_looked_already(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """It lets its file go, so that nothing would be left of an object lost since."""
        media_id = await world.ready(owner)
        await world.ingested(world.received(owner), UNKNOWN)
        claim = await world.claimed(media_id, UPLOAD)

        later = world.received(owner)
        assert (await world.ingested(later, UNKNOWN)).keeps_staged_file

        assert await blob() == ("stored", later.file.name)
        with pytest.raises(JobFailed):
            await world.ledger.mark_published(claim)

    async def test_twins_beside_it_do_not_send_one_another_back(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """Each names its file while an upload runs; what nobody saw stays unseen."""
        media_id = await world.ready(owner)
        await world.ingested(world.received(owner), UNKNOWN)
        await world.claimed(media_id, UPLOAD)
        twins = [world.received(owner) for _ in range(3)]
        unseen = Sighting((await world.unseen(twins[0])).blob, UNKNOWN)

        for twin in twins:
            assert (await world.ledger.ingest(twin, unseen)).keeps_staged_file

        assert await blob() == ("stored", twins[-1].file.name)

    async def test_those_that_a_job_has_let_go_are_not_relied_upon(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """Whoever removes the file may have begun to."""
        media_id = await world.ready(owner)
        first = world.received(owner)
        await world.ingested(first, UNKNOWN)
        await world.ledger.mark_published(await world.claimed(media_id, UPLOAD))

        second = world.received(owner)
        assert (await world.ingested(second, UNKNOWN)).keeps_staged_file
        assert await blob() == ("stored", second.file.name)

    async def test_the_kept_bytes_outlive_the_media_that_they_were_kept_for(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """Those of another owner may be the only ones that are left."""
        media_id = await world.ready(owner)
        other = await world.ready(await world.owner("other"))
        new = world.received(owner)
        await world.ingested(new, UNKNOWN)

        caller = await sync_to_async(world.caller)(owner)
        await world.ledger.delete(media_id, caller, "")
        deletion = await world.claimed(media_id, JobKind.DELETE_MEDIA)
        left = await world.ledger.let_go(deletion)

        assert new.file.name not in left.staged_files
        assert await open_jobs(other) == {UPLOAD}
        assert await status(other) == ("ready", "")

    async def test_another_owner_has_the_upload_of_his_own_media(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        new = world.received(await world.owner("other"))

        ingested = await world.ingested(new, UNKNOWN)

        assert (ingested.created, ingested.deduplicated) == (True, True)
        assert await blob() == ("stored", new.file.name)
        assert await open_jobs(media_id) == set()

    async def test_a_lost_media_is_processed_again(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        await Media.objects.aupdate(status="failed", failure_code="object_missing")

        ingested = await world.ingested(world.received(owner), UNKNOWN)

        assert (ingested.media_id, ingested.healed) == (media_id, True)
        assert ingested.keeps_staged_file
        assert await open_jobs(media_id) == {UPLOAD}

    async def test_the_bytes_stay_when_the_look_fails_for_good(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """The keys of the store are wrong: nobody knows whether the object is there."""
        media_id = await world.ready(owner)
        new = world.received(owner)
        await world.ingested(new, UNKNOWN)
        claim = await world.claimed(media_id, UPLOAD)

        assert await world.ledger.fail(claim, DENIED) == ()

        caller = await sync_to_async(world.caller)(owner)
        await world.ledger.retry(media_id, UPLOAD, caller, "request-3")
        claim = await world.claimed(media_id, UPLOAD)
        assert claim.blob.staged_name == new.file.name
        assert await world.ledger.mark_published(claim) == (new.file.name,)


class TestFailedLook:
    """A job that looks for the object decides about its media only if that is lost."""

    @pytest.mark.parametrize("code", NOTHING_SEEN)
    async def test_after_a_duplicate_leaves_the_media_ready(
        self, world: HealingWorld, owner: Session, code: FailureCode
    ) -> None:
        media_id = await world.ready(owner)
        await world.ingested(world.received(owner), UNKNOWN)
        claim = await world.claimed(media_id, UPLOAD)
        await world.ledger.fail(claim, JobFailed(code, "nothing was seen"))

        assert await status(media_id) == ("ready", "")
        assert await newest_upload(media_id) == ("failed", code)
        again = await world.ingested(world.received(owner))
        assert (again.media_id, again.created) == (media_id, False)

    async def test_after_a_deletion_leaves_that_of_another_owner_ready(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        other = await world.ready(await world.owner("other"))
        await world.ingested(world.received(owner), UNKNOWN)
        await world.ledger.fail(await world.claimed(media_id, UPLOAD), DENIED)
        await world.delete(media_id, owner)
        await world.ledger.let_go(await world.claimed(media_id, JobKind.DELETE_MEDIA))

        await world.ledger.fail(await world.claimed(other, UPLOAD), DENIED)

        assert await status(other) == ("ready", "")
        assert await newest_upload(other) == ("failed", "object_store_denied")

    async def test_whose_workers_die_leaves_the_media_ready(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        await world.ingested(world.received(owner), UNKNOWN)
        await world.claimed(media_id, UPLOAD)
        await world.expire_leases()
        await world.ledger.reclaim_lost()

        assert await status(media_id) == ("ready", "")
        assert await newest_upload(media_id) == ("failed", "crash_loop")

    async def test_leaves_a_published_media_to_what_it_still_lacks(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await world.published(media_id)
        await world.ingested(world.received(owner), UNKNOWN)
        await world.ledger.fail(await world.claimed(media_id, UPLOAD), DENIED)

        extract = await world.claimed(media_id, EXTRACT)
        await world.ledger.mark_described(extract, SUMMARY)

        assert await status(media_id) == ("ready", "")

    async def test_that_finds_nothing_fails_the_media(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        await world.ingested(world.received(owner), UNKNOWN)
        claim = await world.claimed(media_id, UPLOAD)
        await world.ledger.fail(claim, JobFailed(FailureCode.OBJECT_MISSING, "gone"))
        assert await status(media_id) == ("failed", "object_missing")


class TestStagedBytesLost:
    """An attempt says that what is staged is gone, or is not what was received."""

    @staticmethod
    async def fail(world: HealingWorld, media_id: UUID, kind: JobKind = UPLOAD) -> None:
        damaged = JobFailed(FailureCode.STAGED_FILE_MISSING, "other bytes")
        await world.ledger.fail(await world.claimed(media_id, kind), damaged)

    async def test_an_upload_takes_its_place_and_brings_all_owners_media_back(
        self, world: HealingWorld, owner: Session
    ) -> None:
        other = await world.owner("other")
        mine, theirs = await world.taken_in(owner), await world.taken_in(other)
        older = (await blob())[1]
        for media_id in (mine, theirs):
            await self.fail(world, media_id)
            assert await status(media_id) == ("failed", "staged_file_missing")

        new = world.received(owner)
        ingested = await world.ledger.ingest(new)

        assert (ingested.media_id, ingested.healed) == (mine, True)
        assert (ingested.keeps_staged_file, ingested.given_up) == (True, older)
        assert await blob() == ("staged", new.file.name)
        for media_id in (mine, theirs):
            await world.made_ready(media_id)
            assert await status(media_id) == ("ready", "")

    async def test_a_picture_that_failed_of_them_is_made_of_the_new_ones(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await world.close_miniature(media_id)
        await self.fail(world, media_id)

        await world.ledger.ingest(world.received(owner))

        assert await open_jobs(media_id) == {UPLOAD, EXTRACT, MINIATURE}

    async def test_declared_bytes_are_received(
        self, world: HealingWorld, owner: Session
    ) -> None:
        """Though its owner's media is live, as after a retry."""
        new = world.received(owner)
        media_id = (await world.ledger.ingest(new)).media_id
        await self.fail(world, media_id)
        await Media.objects.aupdate(status="processing", failure_code="")
        assert await world.ledger.find(owner.user_id, new.file.sha256) is None

    async def test_the_file_of_a_healing_is_not_disowned_by_an_older_attempt(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        claim = await world.claimed(media_id, EXTRACT)
        await self.fail(world, media_id)
        new = world.received(owner)
        await world.ledger.ingest(new)

        damaged = JobFailed(FailureCode.STAGED_FILE_MISSING, "other bytes")
        await world.ledger.fail(claim, damaged)

        assert await status(media_id) == ("processing", "")
        assert await open_jobs(media_id) >= {UPLOAD, EXTRACT}
        twin = await world.ledger.ingest(world.received(owner))
        assert not twin.keeps_staged_file

    async def test_a_picture_that_is_lost_says_nothing_of_the_video(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await self.fail(world, media_id, MINIATURE)
        twin = await world.ledger.ingest(world.received(owner))
        assert not twin.keeps_staged_file


class TestChangedMeanwhile:
    """What was seen is believed only of the blob as it was then."""

    async def test_healed_by_somebody_else_nothing_is_healed_again(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        late, first = world.received(owner), world.received(owner)
        unseen = await world.unseen(late)
        await world.ingested(first, GONE)

        ingested = await world.ledger.ingest(late, Sighting(unseen.blob, GONE))

        assert (ingested.media_id, ingested.healed) == (media_id, False)
        assert not ingested.keeps_staged_file
        assert await blob() == ("staged", first.file.name)

    async def test_healed_and_stored_again_it_is_looked_for_anew(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        late = world.received(owner)
        unseen = await world.unseen(late)
        await world.ingested(world.received(owner), GONE)
        await world.published(media_id)

        with pytest.raises(ObjectUnseen):
            await world.ledger.ingest(late, Sighting(unseen.blob, GONE))
        assert await status(media_id) == ("ready", "")
        assert (await blob())[0] == "stored"

    async def test_deleted_meanwhile_the_bytes_are_new(
        self, world: HealingWorld, owner: Session
    ) -> None:
        media_id = await world.ready(owner)
        new = world.received(owner)
        unseen = await world.unseen(new)
        await world.delete(media_id, owner)
        await world.ledger.let_go(await world.claimed(media_id, JobKind.DELETE_MEDIA))

        there = Sighting(unseen.blob, Sight.THERE)
        ingested = await world.ledger.ingest(new, there)

        assert (ingested.created, ingested.deduplicated) == (True, False)
        assert ingested.blob_id == new.file.name
        assert ingested.keeps_staged_file

    @pytest.mark.parametrize("owners", [1, 2])
    async def test_of_many_that_heal_at_once_one_does(
        self, world: HealingWorld, owner: Session, owners: int
    ) -> None:
        sessions = [owner, await world.owner("other")][:owners]
        media = {await world.ready(session) for session in sessions}
        received = [world.received(session) for session in sessions * 10]

        answers = await asyncio.gather(*(world.ingested(new, GONE) for new in received))

        assert {answer.media_id for answer in answers} == media
        assert not any(answer.created for answer in answers)
        assert sum(answer.healed for answer in answers) == 1
        (kept,) = [
            new.file.name
            for new, answer in zip(received, answers, strict=True)
            if answer.keeps_staged_file
        ]
        assert await blob() == ("staged", kept)
        for media_id in media:
            assert await status(media_id) == ("processing", "")
            assert await open_jobs(media_id) == {UPLOAD}


class TestAttemptsUnderWay:
    """One that began before the bytes came back does not know of them."""

    @pytest.mark.parametrize("kind", [UPLOAD, EXTRACT])
    async def test_that_found_nothing_is_tried_again(
        self, world: HealingWorld, owner: Session, kind: JobKind
    ) -> None:
        await world.ready(owner)
        other = await world.taken_in(await world.owner("other"))
        claim = await world.claimed(other, kind)
        new = world.received(owner)
        await world.ingested(new, GONE)

        gone = JobFailed(FailureCode.OBJECT_MISSING, "nothing there")
        await world.ledger.fail(claim, gone)

        assert await status(other) == ("processing", "")
        again = await world.claimed(other, kind)
        assert again.blob.staged_name == new.file.name

    async def test_that_found_what_is_gone_now_looks_again(
        self, world: HealingWorld, owner: Session
    ) -> None:
        await world.ready(owner)
        other = await world.taken_in(await world.owner("other"))
        claim = await world.claimed(other, UPLOAD)
        new = world.received(owner)
        await world.ingested(new, GONE)

        with pytest.raises(JobFailed) as outdated:
            await world.ledger.mark_published(claim)
        assert await world.ledger.fail(claim, outdated.value) == ()

        assert await blob() == ("staged", new.file.name)
        assert await open_jobs(other) >= {UPLOAD}


class TestDeclared:
    async def test_bytes_that_are_known_to_be_lost_are_not_found(
        self, world: HealingWorld, owner: Session
    ) -> None:
        new = world.received(owner)
        await world.ledger.ingest(new)
        sha256 = new.file.sha256
        assert await world.ledger.find(owner.user_id, sha256) is not None
        world.staged.clear()
        assert await world.ledger.find(owner.user_id, sha256) is None
        await Blob.objects.aupdate(state="missing")
        world.staged.add(new.file.name)
        assert await world.ledger.find(owner.user_id, sha256) is None
