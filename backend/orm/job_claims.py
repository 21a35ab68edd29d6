"""The transaction in which a worker takes a job."""

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef, ObjectKey
from backend.domain.states import (
    JOB_TRANSITIONS,
    SHOWN_MEDIA,
    BlobState,
    JobStatus,
    MediaStatus,
)
from backend.orm.intervals import LEASE, FromNow
from backend.orm.models import Blob, Job, JobAttempt, Media
from backend.use_cases.ports import Claim


class JobClaims:
    """Hands each due job to exactly one worker, and each blob to one upload.

    Two media on one blob have an upload job each; the second waits until the first has
    ended, and then finds the object there.
    """

    @transaction.atomic
    def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        """Take the open job of this kind, or None if it is not there to be taken."""
        if kind == JobKind.UPLOAD_TO_CDN and not self._lock_idle_blob(media_id):
            return None
        blob = self._lock_media(media_id)
        if blob is None or not self._take(media_id, kind):
            return None
        job = Job.objects.get(media=media_id, kind=kind, status=JobStatus.RUNNING)
        JobAttempt.objects.create(job=job, number=job.attempt, worker=worker)
        self._begin_processing(media_id)
        return self._claim(job, blob)

    @staticmethod
    def _lock_idle_blob(media_id: UUID) -> bool:
        """False while another media's job uploads the same blob."""
        locked = Blob.objects.select_for_update(no_key=True, of=("self",))
        blob = locked.filter(media=media_id).first()
        busy = Job.objects.filter(
            kind=JobKind.UPLOAD_TO_CDN,
            status=JobStatus.RUNNING,
            lease_until__gt=Now(),
            media__video=blob,
        )
        return blob is not None and not busy.exists()

    @staticmethod
    def _lock_media(media_id: UUID) -> Blob | None:
        media = (
            Media.objects.select_for_update(no_key=True, of=("self",))
            .select_related("video")
            .filter(uuid=media_id, status__in=SHOWN_MEDIA)
            .first()
        )
        return media.video if media else None

    @staticmethod
    def _take(media_id: UUID, kind: JobKind) -> bool:
        due = Job.objects.filter(
            media=media_id,
            kind=kind,
            status__in=JOB_TRANSITIONS.sources(JobStatus.RUNNING),
            run_after__lte=Now(),
        )
        taken = due.update(
            status=JobStatus.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            lease_until=FromNow(LEASE),
            started_at=Coalesce(F("started_at"), Now()),
            progress=0,
        )
        return taken == 1

    @staticmethod
    def _begin_processing(media_id: UUID) -> None:
        Media.objects.filter(uuid=media_id, status=MediaStatus.PENDING).update(
            status=MediaStatus.PROCESSING, revision=F("revision") + 1, updated_at=Now()
        )

    @staticmethod
    def _claim(job: Job, blob: Blob) -> Claim:
        return Claim(
            job_id=job.uuid,
            media_id=job.media_id,
            kind=JobKind(job.kind),
            attempt=job.attempt,
            fence=job.fence,
            request_id=job.request_id,
            blob=BlobRef(
                uuid=blob.uuid,
                sha256=blob.sha256,
                size_bytes=blob.size_bytes,
                media_type=blob.media_type,
                object_key=ObjectKey(blob.object_key),
                staged_name=blob.staged_name,
                stored=blob.state == BlobState.STORED,
            ),
        )
