"""The transactions that remove a deleted media completely."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.leftovers import Leftovers
from backend.domain.media import ObjectKey
from backend.domain.states import (
    LIVE_MEDIA,
    MEDIA_TRANSITIONS,
    OPEN_JOBS,
    BlobState,
    JobStatus,
    MediaStatus,
)
from backend.orm.blob_use import BlobUse
from backend.orm.held_job import HeldJob
from backend.orm.leftovers_json import LeftoversJson
from backend.orm.models import Blob, Job, Media, Miniature, Url
from backend.orm.reopened_work import ReopenedWork
from backend.use_cases.ports import Claim


class MediaRemoval:
    """Removes a media from the tables, and its bytes too if no other media has them.

    The last of several media to release a blob removes it, so simultaneous deletions do
    not matter.
    """

    @transaction.atomic
    def let_go(self, claim: Claim) -> Leftovers:
        """Turn the media into a tombstone; raises `LeaseLost`.

        Returns what must be removed now, even if an earlier attempt got this far.
        """
        blobs = self._lock_blobs(claim.media_id)
        media = Media.objects.select_for_update(no_key=True).get(uuid=claim.media_id)
        if media.status == MediaStatus.DELETED:
            return self._noted(claim.job_id)
        is_unproven = self._is_unproven(media)
        self._bury(media.uuid)
        if is_unproven:
            self._have_proven(media.video_id)
        leftovers = self._left_by_jobs(media.uuid)
        for blob in blobs:
            leftovers += self._left_by(blob, is_video=blob.uuid == media.video_id)
        HeldJob.of(claim).note(leftovers=LeftoversJson.dump(leftovers))
        return leftovers

    @transaction.atomic
    def note_removed(self, claim: Claim, removed: Leftovers) -> None:
        """Raises `LeaseLost`."""
        held = HeldJob.of(claim)
        held.lock()
        left = self._noted(claim.job_id) - removed
        held.note(leftovers=LeftoversJson.dump(left))

    @transaction.atomic
    def end(self, claim: Claim, removed: Leftovers) -> None:
        """Raises `LeaseLost`."""
        held = HeldJob.of(claim)
        held.lock()
        message = f"Removed {removed}"
        if left := self._noted(claim.job_id):
            held.queue_again(timedelta())
            message = f"{message}. A late attempt has left {left}"
            held.end_attempt(AttemptOutcome.SUCCEEDED, message=message)
        else:
            held.succeed(message)

    @transaction.atomic
    def reopen(self, claim: Claim) -> None:
        """Objects stored by a late attempt after the deletion of its media are removed
        too."""
        if claim.video is None or claim.kind == JobKind.DELETE_MEDIA:
            return
        if BlobUse(claim.video.uuid).is_known():
            return
        tombstone = Media.objects.select_for_update(no_key=True).filter(
            uuid=claim.media_id, status=MediaStatus.DELETED
        )
        if tombstone.first() is not None:
            self._leave(claim, Leftovers.of_video(claim.video))

    @staticmethod
    def _leave(late: Claim, left: Leftovers) -> None:
        """Adds to the open deletion, or to a new one. Needs the media locked."""
        deletions = Job.objects.filter(media=late.media_id, kind=JobKind.DELETE_MEDIA)
        locked = deletions.select_for_update(no_key=True)
        job = locked.filter(status__in=OPEN_JOBS).first() or Job(
            media_id=late.media_id,
            kind=JobKind.DELETE_MEDIA,
            request_id=late.request_id,
            leftovers=[],
        )
        job.leftovers = LeftoversJson.dump(LeftoversJson.load(job.leftovers) | left)
        job.save()

    @staticmethod
    def _noted(job_id: UUID) -> Leftovers:
        noted = Job.objects.values_list("leftovers", flat=True)
        return LeftoversJson.load(noted.get(uuid=job_id))

    @staticmethod
    def _lock_blobs(media_id: UUID) -> list[Blob]:
        """In the same order for all transactions; no other adds one to a media being
        removed."""
        video = Media.objects.filter(uuid=media_id).values("video")
        miniature = Miniature.objects.filter(media=media_id).values("blob")
        # No insert that refers to a blob may be in progress when its row is removed.
        blobs = Blob.objects.select_for_update()
        found = blobs.filter(Q(uuid__in=video) | Q(uuid__in=miniature))
        return list(found.order_by("uuid"))

    @staticmethod
    def _is_unproven(media: Media) -> bool:
        """Bytes may have been kept because it was unknown whether the object still
        exists, and the upload of this media was to find out."""
        uploads = Job.objects.filter(media=media, kind=JobKind.UPLOAD_TO_CDN)
        latest = uploads.order_by("-queued_at").first()
        if latest is None or latest.status != JobStatus.FAILED:
            return False
        stored_before = Blob.objects.filter(
            media=media, state=BlobState.STORED, stored_at__lt=latest.queued_at
        )
        return stored_before.exists()

    @staticmethod
    def _have_proven(blob_id: UUID | None) -> None:
        """By another media with these bytes, if there is one."""
        others = Media.objects.filter(video=blob_id, status__in=LIVE_MEDIA)
        other = others.select_for_update(no_key=True).order_by("uuid").first()
        if other is not None:
            ReopenedWork.queue(other.uuid, [JobKind.UPLOAD_TO_CDN])

    @staticmethod
    def _bury(media_id: UUID) -> None:
        Miniature.objects.filter(media=media_id).delete()
        Url.objects.filter(media=media_id).delete()
        sources = MEDIA_TRANSITIONS.sources(MediaStatus.DELETED)
        Media.objects.filter(uuid=media_id, status__in=sources).update(
            status=MediaStatus.DELETED,
            video=None,
            technical=None,
            duration_seconds=None,
            revision=F("revision") + 1,
            updated_at=Now(),
        )

    @staticmethod
    def _left_by_jobs(media_id: UUID) -> Leftovers:
        """Pictures that were sent, and miniatures that were about to be replaced."""
        leftovers = Leftovers()
        jobs = Job.objects.filter(media=media_id)
        for staged_name, pairs in jobs.values_list("staged_name", "leftovers"):
            leftovers += LeftoversJson.load(pairs)
            if staged_name is not None:
                leftovers += Leftovers(staged_files=(staged_name,))
        jobs.update(leftovers=[])
        return leftovers

    @staticmethod
    def _left_by(blob: Blob, *, is_video: bool) -> Leftovers:
        """If others have the blob, at most the staged file is removed."""
        use = BlobUse(blob.uuid)
        if use.is_used():
            unneeded = use.let_go_of_staged_file()
            return Leftovers(staged_files=(unneeded,) if unneeded else ())
        blob_id = blob.uuid
        blob.delete()
        return Leftovers(
            objects=(ObjectKey(blob.object_key),),
            documents=(blob_id,) if is_video else (),
            staged_files=(blob.staged_name,),
        )
