"""How a media goes away: for readers at once, from the tables when nobody works on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from pydantic import SecretStr

from backend.config.worker_container import WorkerContainer
from backend.domain.errors import InvalidToken, MediaNotFound, RightMissing
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.leftovers import Leftovers
from backend.domain.media import ObjectKey
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_lists import MediaFilter, MediaLists, MediaOrder
from backend.orm.media_repository import MediaRepository
from backend.orm.models import (
    Blob,
    Job,
    JobAttempt,
    Media,
    Miniature,
    Session,
    Url,
    User,
)
from backend.use_cases.ports import Claim, Freshness
from tests.black_hole import BlackHole
from tests.clips import ClipMaker
from tests.ledger_world import SUMMARY, LedgerWorld
from tests.media_http import Service

pytestmark = pytest.mark.usefixtures("clean_database")

UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA
PICTURE, DELETE = JobKind.MAKE_MINIATURE, JobKind.DELETE_MEDIA


class DeletionWorld(LedgerWorld):
    """A ledger with owners, and readers that look at it."""

    def __init__(
        self, threads: DatabaseThreads, lines: DatabaseLines, freshness: Freshness
    ) -> None:
        super().__init__(threads, freshness, RetryPolicy(first_delay=timedelta()))
        self.readers = MediaRepository(threads, lines)
        self.lists = MediaLists(lines)

    async def owner(self, email: str = "owner@example.org", **role: str) -> Session:
        return await sync_to_async(self.session)(email, **role)

    async def deleted(self, session: Session, content: bytes = b"some video") -> UUID:
        media_id = await self.taken_in(session, content)
        await self.delete(media_id, session)
        return media_id

    async def let_go(self, media_id: UUID) -> Leftovers:
        return await self.ledger.let_go(await self.claimed(media_id, DELETE))

    async def finish(self, claim: Claim, removed: Leftovers) -> None:
        """As when all of it has been removed from the stores."""
        await self.ledger.note_removed(claim, removed)
        await self.ledger.mark_deleted(claim, removed)

    async def job(self, media_id: UUID, kind: JobKind) -> tuple[str, str]:
        job = await Job.objects.aget(media=media_id, kind=kind)
        return job.status, job.failure_code

    @sync_to_async
    def give_picture(self, media_id: UUID, content: str = "a") -> Blob:
        """A miniature, shared by all media that get one with this content."""
        blob, _ = Blob.objects.get_or_create(
            sha256=content * 64,
            defaults={
                "size_bytes": 9,
                "media_type": "image/jpeg",
                "object_key": f"miniatures/{content}.jpg",
                "staged_name": uuid4(),
                "state": "stored",
                "stored_at": timezone.now(),
            },
        )
        Miniature.objects.create(media_id=media_id, blob=blob, width=4, height=3)
        return blob


@pytest_asyncio.fixture
async def world(
    freshness: Freshness, database_lines: DatabaseLines
) -> AsyncIterator[DeletionWorld]:
    threads = DatabaseThreads()
    yield DeletionWorld(threads, database_lines, freshness)
    threads.close()


@pytest_asyncio.fixture
async def owner(world: DeletionWorld) -> Session:
    return await world.owner()


class TestDelete:
    async def test_it_is_gone_at_once_for_every_reader(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await world.made_ready(media_id)

        await world.delete(media_id, owner)

        readers = world.readers
        for read in (readers.detail, readers.jobs, readers.blob_id):
            with pytest.raises(MediaNotFound):
                await read(media_id)
        listed = await world.lists.page(
            MediaFilter(), MediaOrder.NEWEST_FIRST, 10, None
        )
        assert listed.total == 0
        with pytest.raises(MediaNotFound):
            await world.delete(media_id, owner)

    async def test_what_waits_is_closed_and_the_removal_is_queued(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.deleted(owner)

        for kind in (UPLOAD, EXTRACT):
            assert await world.job(media_id, kind) == ("failed", "media_deleted")
        assert await world.job(media_id, DELETE) == ("queued", "")
        media = await Media.objects.aget()
        assert (media.status, media.revision) == ("deleting", 2)

    @pytest.mark.parametrize("status", ["pending", "processing", "failed"])
    async def test_it_does_not_matter_how_far_the_media_is(
        self, world: DeletionWorld, owner: Session, status: str
    ) -> None:
        media_id = await world.taken_in(owner)
        code = "unreadable_media" if status == "failed" else ""
        await Media.objects.aupdate(status=status, failure_code=code)
        await world.delete(media_id, owner)
        assert (await Media.objects.aget()).status == "deleting"

    async def test_of_many_at_once_one_deletes(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        answers = await asyncio.gather(
            *(world.delete(media_id, owner) for _ in range(10)),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if answer is not None]
        assert len(refused) == 9
        assert {type(answer) for answer in refused} == {MediaNotFound}
        assert await Job.objects.filter(kind=DELETE).acount() == 1

    async def test_the_same_bytes_may_be_sent_again_at_once(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        deleted = await world.deleted(owner)
        again = await world.ledger.ingest(world.received(owner))
        assert again.created
        assert again.media_id != deleted


class TestRightToDelete:
    async def test_another_owners_needs_the_right_to_any(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        other = await world.owner("other@example.org")
        with pytest.raises(RightMissing):
            await world.delete(media_id, other)
        assert (await Media.objects.aget()).status == "pending"

        admin = await world.owner("admin@example.org", role="admin")
        await world.delete(media_id, admin)
        assert (await Media.objects.aget()).status == "deleting"

    async def test_an_owner_demoted_meanwhile_is_refused(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        caller = await sync_to_async(world.caller)(owner)
        await User.objects.aupdate(role_id="viewer")
        with pytest.raises(RightMissing):
            await world.ledger.delete(media_id, caller, "")

    async def test_whoever_signed_out_meanwhile_is_refused(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await Session.objects.aupdate(revoked_at=timezone.now())
        with pytest.raises(InvalidToken):
            await world.delete(media_id, owner)

    async def test_what_is_not_there_is_not_found(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        with pytest.raises(MediaNotFound):
            await world.delete(uuid4(), owner)


class TestRunningAttempts:
    async def running(
        self, world: DeletionWorld, owner: Session, kind: JobKind
    ) -> Claim:
        """An attempt that was under way when its media was deleted."""
        media_id = await world.taken_in(owner)
        claim = await world.claimed(media_id, kind)
        await world.delete(media_id, owner)
        return claim

    async def test_the_next_renewal_stops_it(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        claim = await self.running(world, owner, UPLOAD)

        with pytest.raises(JobFailed) as stopped:
            await world.ledger.renew(claim, 50)
        await world.ledger.fail(claim, stopped.value)

        assert await world.job(claim.media_id, UPLOAD) == ("failed", "media_deleted")
        attempt = await JobAttempt.objects.aget()
        assert (attempt.outcome, attempt.code) == ("failed", "media_deleted")

    async def test_one_that_ends_well_ends_well_and_shows_nothing(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        upload = await self.running(world, owner, UPLOAD)
        await world.ledger.mark_published(upload)

        other = await self.running(world, await world.owner("b@c.de"), EXTRACT)
        await world.ledger.mark_described(other, SUMMARY)

        for claim in (upload, other):
            assert await world.job(claim.media_id, claim.kind) == ("succeeded", "")
            media = await Media.objects.aget(uuid=claim.media_id)
            assert (media.status, media.technical) == ("deleting", None)
            assert (media.published_at, media.described_at) == (None, None)
        assert not await Url.objects.aexists()
        assert (await Blob.objects.aget()).state == "stored"

    async def test_a_failure_is_not_tried_again(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        claim = await self.running(world, owner, EXTRACT)
        away = JobFailed(FailureCode.DOCUMENT_STORE_AWAY, "refused")

        await world.ledger.fail(claim, away)

        assert await world.job(claim.media_id, EXTRACT) == ("failed", "media_deleted")
        assert (await JobAttempt.objects.aget()).code == "document_store_away"

    async def test_a_lost_lease_is_closed_by_the_sweep(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        claim = await self.running(world, owner, EXTRACT)
        await world.expire_leases()

        assert len((await world.ledger.reclaim_lost()).media) == 1

        assert await world.job(claim.media_id, EXTRACT) == ("failed", "media_deleted")
        assert (await JobAttempt.objects.aget()).outcome == "lost"

    async def test_the_removal_waits_for_its_end_and_is_rung_for_then(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        claim = await self.running(world, owner, UPLOAD)
        media_id = claim.media_id
        assert await world.ledger.claim(media_id, DELETE, "w") is None
        assert await world.ledger.due(DELETE, 10) == []

        stopped = JobFailed(FailureCode.MEDIA_DELETED, "stopped")
        await world.ledger.fail(claim, stopped)

        due = await world.ledger.due(DELETE, 10)
        assert [(job.media_id, job.request_id) for job in due] == [
            (media_id, "request-2")
        ]
        await world.claimed(media_id, DELETE)

    async def test_the_removal_does_not_wait_for_a_lease_that_has_ended(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        late = await self.running(world, owner, UPLOAD)
        await world.expire_leases()

        await world.claimed(late.media_id, DELETE)

        assert await world.job(late.media_id, UPLOAD) == ("failed", "media_deleted")
        await world.comes_too_late(late, world.ledger.mark_published(late))
        assert (await Blob.objects.aget()).state == "staged"

    async def test_a_job_that_was_given_back_is_closed_by_the_removal(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        claim = await self.running(world, owner, UPLOAD)
        await world.ledger.release(claim)
        assert await world.ledger.claim(claim.media_id, UPLOAD, "w") is None

        await world.claimed(claim.media_id, DELETE)

        assert await world.job(claim.media_id, UPLOAD) == ("failed", "media_deleted")

    async def test_another_media_that_waited_for_the_upload_is_rung_for(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        claim = await self.running(world, owner, UPLOAD)
        waiting = await world.taken_in(await world.owner("other@example.org"))
        assert await world.ledger.claim(waiting, UPLOAD, "w") is None

        stopped = JobFailed(FailureCode.MEDIA_DELETED, "stopped")
        await world.ledger.fail(claim, stopped)

        due = await world.ledger.due(UPLOAD, 10)
        assert [job.media_id for job in due] == [waiting]
        await world.claimed(waiting, UPLOAD)


class TestLettingGo:
    async def test_a_media_alone_with_its_bytes_takes_all_with_it(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        await world.made_ready(media_id)
        blob = await Blob.objects.aget()
        await world.delete(media_id, owner)

        leftovers = await world.let_go(media_id)

        assert leftovers == Leftovers(
            (ObjectKey(blob.object_key),), (blob.uuid,), (blob.staged_name,)
        )
        assert not await Blob.objects.aexists()
        assert not await Url.objects.aexists()
        media = await Media.objects.aget()
        assert (media.status, media.video_id) == ("deleted", None)
        assert (media.technical, media.duration_seconds) == (None, None)

    async def test_the_same_bytes_get_another_key_than_the_one_that_was_let_go(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        left = [await world.let_go(await world.deleted(owner)) for _ in range(3)]
        await world.taken_in(owner)
        keys = [key for leftovers in left for key in leftovers.objects]
        keys.append(ObjectKey((await Blob.objects.aget()).object_key))
        assert len(set(keys)) == 4

    async def test_bytes_that_were_never_stored_go_as_well(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        new = world.received(owner)
        media_id = (await world.ledger.ingest(new)).media_id
        await world.delete(media_id, owner)
        assert (await world.let_go(media_id)).staged_files == (new.file.name,)

    async def test_bytes_that_another_media_has_stay_untouched(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        other = await world.taken_in(await world.owner("other@example.org"))
        media_id = await world.deleted(owner)

        assert len(await world.let_go(media_id)) == 0

        await world.made_ready(other)
        media = await Media.objects.aget(uuid=other)
        assert media.status == "ready"
        assert await Url.objects.acount() == 1

    async def test_the_staged_file_goes_when_only_the_deleted_media_needed_it(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        other = await world.taken_in(await world.owner("other@example.org"))
        media_id = await world.taken_in(owner)
        await world.close_miniature(other)
        await world.made_ready(other)
        blob = await Blob.objects.aget()
        # Its jobs were still queued: until now the file was not to go.
        await world.delete(media_id, owner)

        leftovers = await world.let_go(media_id)

        assert leftovers == Leftovers(staged_files=(blob.staged_name,))
        assert await Blob.objects.aexists()

    async def test_of_media_deleted_at_once_the_last_takes_the_bytes(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        owners = [owner, await world.owner("b@c.de"), await world.owner("c@d.ef")]
        for number in range(15):
            content = f"video {number}".encode()
            media = [await world.deleted(one, content) for one in owners]
            claims = [await world.claimed(one, DELETE) for one in media]

            left = await asyncio.gather(*map(world.ledger.let_go, claims))

            assert sorted(len(one or ()) for one in left) == [0, 0, 3]
            assert not await Blob.objects.aexists()

    async def test_a_picture_goes_unless_another_media_has_it(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media = [await world.taken_in(owner, name) for name in (b"one", b"two")]
        pictures = [await world.give_picture(one) for one in media]
        for one in media:
            await world.delete(one, owner)

        first, second = [await world.let_go(one) for one in media]

        picture = ObjectKey(pictures[0].object_key)
        assert picture not in first.objects
        assert picture in second.objects
        assert pictures[0].staged_name in second.staged_files
        # A picture has no document.
        assert len(second.documents) == 1
        assert not await Miniature.objects.aexists()

    async def test_a_picture_that_was_sent_and_never_made_goes(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        sent = uuid4()
        await Job.objects.filter(kind=PICTURE).aupdate(staged_name=sent)
        await world.delete(media_id, owner)

        assert await world.job(media_id, PICTURE) == ("failed", "media_deleted")
        assert sent in (await world.let_go(media_id)).staged_files

    async def test_an_upload_at_the_same_moment_finds_the_bytes_or_brings_them(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        for number in range(40):
            content = f"video {number}".encode()
            media_id = await world.deleted(owner, content)
            claim = await world.claimed(media_id, DELETE)

            left, ingested = await asyncio.gather(
                world.ledger.let_go(claim),
                world.ledger.ingest(world.received(owner, content)),
            )

            new = await world.claimed(ingested.media_id, UPLOAD)
            assert new.blob.object_key not in left.objects
            assert new.blob.staged_name not in left.staged_files
        assert await Blob.objects.acount() == 40


class TestResuming:
    async def test_the_next_attempt_knows_what_is_left_to_remove(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.deleted(owner)
        before = await world.let_go(media_id)
        await world.expire_leases()
        await world.ledger.reclaim_lost()

        claim = await world.claimed(media_id, DELETE)

        assert (claim.video, claim.attempt) == (None, 2)
        assert await world.ledger.let_go(claim) == before
        await world.finish(claim, before)
        job = await Job.objects.aget(kind=DELETE)
        assert (job.status, job.progress, job.leftovers) == ("succeeded", 100, [])
        attempt = await JobAttempt.objects.aget(number=2)
        assert attempt.message == "Removed objects: 1, documents: 1, staged files: 1"

    async def test_what_is_gone_is_not_left_to_the_next_attempt(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.deleted(owner)
        claim = await world.claimed(media_id, DELETE)
        left = await world.ledger.let_go(claim)
        done = Leftovers(objects=left.objects)

        await world.ledger.note_removed(claim, done)
        await world.ledger.fail(
            claim, JobFailed(FailureCode.DOCUMENT_STORE_AWAY, "no answer")
        )

        await world.skip_waiting()
        again = await world.claimed(media_id, DELETE)
        assert await world.ledger.let_go(again) == left - done
        with pytest.raises(JobFailed) as late:
            await world.ledger.note_removed(claim, left)
        assert late.value.code == FailureCode.LEASE_LOST
        assert await world.ledger.let_go(again) == left - done

    @pytest.mark.parametrize("under_way", [True, False])
    async def test_a_deletion_that_is_open_takes_what_a_late_attempt_has_left(
        self, world: DeletionWorld, owner: Session, under_way: bool
    ) -> None:
        media_id = await world.taken_in(owner)
        late = await world.claimed(media_id, UPLOAD)
        await world.expire_leases()
        await world.delete(media_id, owner)
        claim = await world.claimed(media_id, DELETE)
        left = await world.ledger.let_go(claim)
        await world.ledger.note_removed(claim, left)
        if not under_way:
            await world.ledger.release(claim)

        await world.comes_too_late(late, world.ledger.mark_published(late))

        if under_way:
            await world.ledger.mark_deleted(claim, left)
        assert await world.job(media_id, DELETE) == ("queued", "")
        again = await world.claimed(media_id, DELETE)
        assert await world.ledger.let_go(again) == left
        await world.finish(again, left)
        assert await world.job(media_id, DELETE) == ("succeeded", "")

    async def test_an_attempt_that_lost_its_lease_lets_go_of_nothing(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.deleted(owner)
        late = await world.claimed(media_id, DELETE)
        await world.expire_leases()
        await world.ledger.reclaim_lost()
        await world.claimed(media_id, DELETE)

        await world.comes_too_late(late, world.ledger.let_go(late))

        assert (await Media.objects.aget()).status == "deleting"
        assert await Blob.objects.aexists()

    async def test_it_is_tried_again_whatever_happens(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.deleted(owner)
        for code in [FailureCode.OBJECT_STORE_DENIED, FailureCode.INTERNAL_ERROR] * 10:
            claim = await world.claimed(media_id, DELETE)
            await world.ledger.fail(claim, JobFailed(code, "no"))
            job = await Job.objects.aget(kind=DELETE)
            assert job.status == "queued"
            assert job.run_after - timezone.now() <= timedelta(seconds=15)
            await world.skip_waiting()

    async def test_what_a_late_attempt_has_stored_is_removed_as_well(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        media_id = await world.taken_in(owner)
        late = await world.claimed(media_id, UPLOAD)
        await world.expire_leases()
        await world.delete(media_id, owner)
        claim = await world.claimed(media_id, DELETE)
        removed = await world.ledger.let_go(claim)
        await world.finish(claim, removed)

        await world.comes_too_late(late, world.ledger.mark_published(late))

        again = await world.claimed(media_id, DELETE)
        assert await world.ledger.let_go(again) == removed
        await world.finish(again, removed)
        assert not await Url.objects.aexists()


class TestPurging:
    async def test_old_tombstones_go_with_their_jobs_in_small_batches(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        for number in range(3):
            media_id = await world.deleted(owner, f"video {number}".encode())
            claim = await world.claimed(media_id, DELETE)
            removed = await world.ledger.let_go(claim)
            await world.finish(claim, removed)
        shown = await world.taken_in(owner)
        month = timedelta(days=30)
        assert await world.ledger.purge_tombstones(month, 2) == 0

        await Media.objects.aupdate(updated_at=timezone.now() - timedelta(days=31))

        assert [await world.ledger.purge_tombstones(month, 2) for _ in range(3)] == [
            2,
            1,
            0,
        ]
        assert [media.uuid async for media in Media.objects.all()] == [shown]
        assert await Job.objects.acount() == 3

    async def test_a_tombstone_whose_bytes_are_still_there_stays(
        self, world: DeletionWorld, owner: Session
    ) -> None:
        await world.let_go(await world.deleted(owner))
        await Media.objects.aupdate(updated_at=timezone.now() - timedelta(days=31))
        assert await world.ledger.purge_tombstones(timedelta(days=30), 10) == 0


class OnRealStores:
    """A media that is ready, and a worker of which one store may be out of reach."""

    def __init__(self, service: Service, media_id: UUID, blob: Blob) -> None:
        self._service = service
        self._media_id = media_id
        self._blob = blob

    @classmethod
    async def made(cls, service: Service, video: Path) -> Self:
        operator = await service.signed_in("a@example.org", "media_operator")
        media_id = await operator.uploaded(video)
        await service.work(media_id)
        assert (await operator.get(media_id)).json()["status"] == "ready"
        media = await Media.objects.select_related("video").aget(uuid=media_id)
        await operator.delete(media_id)
        return cls(service, media_id, media.blob)

    async def work(self, **elsewhere: Any) -> JobAttempt:
        """One attempt of the deletion with another environment; how it ended."""
        environment = settings.ENVIRONMENT.model_copy(update=elsewhere)
        worker = WorkerContainer(environment)
        await DeletionWorld.skip_waiting()
        await worker.run_job.execute(self._media_id, worker.delete_media)
        await worker.close()
        attempts = JobAttempt.objects.filter(job__kind=DELETE)
        return await attempts.order_by("-number").select_related("job").afirst()

    async def is_stored(self) -> bool:
        key = ObjectKey(self._blob.object_key)
        return await self._service.worker.object_storage.stat(key) is not None

    async def is_described(self) -> bool:
        documents = self._service.worker.document_store
        return await documents.find(self._blob.uuid) is not None


class TestOnRealStores:
    @pytest_asyncio.fixture
    async def media(self, service: Service, clips: ClipMaker) -> OnRealStores:
        return await OnRealStores.made(service, clips.mp4(0.2))

    async def test_without_mongodb_the_rest_is_removed(
        self, media: OnRealStores
    ) -> None:
        port = BlackHole.refusing_port()
        away = SecretStr(f"mongodb://127.0.0.1:{port}/media?directConnection=true")
        attempt = await media.work(mongo_url=away)

        assert (attempt.outcome, attempt.code) == ("failed", "document_store_away")
        assert attempt.message.startswith("MongoDB ")
        assert attempt.message.endswith(
            "Removed objects: 2, staged files: 2. Left: documents: 1."
        )
        assert not await media.is_stored()
        assert await media.is_described()

        attempt = await media.work()

        assert (attempt.outcome, attempt.message) == (
            "succeeded",
            "Removed documents: 1",
        )
        assert (attempt.job.status, attempt.job.leftovers) == ("succeeded", [])
        assert not await media.is_described()

    async def test_without_the_object_store_the_rest_is_removed(
        self, media: OnRealStores
    ) -> None:
        nowhere = f"http://127.0.0.1:{BlackHole.refusing_port()}"
        attempt = await media.work(s3_endpoint_url=nowhere)

        assert attempt.code == "object_store_away"
        assert attempt.message.endswith(
            "Removed documents: 1, staged files: 2. Left: objects: 2."
        )
        assert not await media.is_described()
        assert await media.is_stored()

        assert (await media.work()).message == "Removed objects: 2"
        assert not await media.is_stored()
