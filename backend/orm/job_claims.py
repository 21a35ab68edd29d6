"""The transaction in which a worker takes a job."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce, Now

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.states import (
    GONE_MEDIA,
    JOB_TRANSITIONS,
    SHOWN_MEDIA,
    JobStatus,
    MediaStatus,
)
from backend.orm.blob_rows import BlobRows
from backend.orm.held_job import HeldJob
from backend.orm.intervals import LEASE, FromNow
from backend.orm.models import Blob, Job, JobAttempt, Media
from backend.orm.other_jobs import OtherJobs
from backend.orm.revision import Revision
from backend.orm.suspects import Suspects
from backend.use_cases.ports import Claim


class JobClaims:
    """Hands each due job to exactly one worker, and each blob to one upload.

    Two media on one blob have an upload job each; the second waits until the first has
    ended, and then finds the object there.
    """

    def __init__(self, lease: timedelta = LEASE) -> None:
        self._lease = lease

    @transaction.atomic
    def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        """Take the open job of this kind, or None if it is not there to be taken."""
        if not self._may_begin(media_id, kind) or not self._take(media_id, kind):
            return None
        job = Job.objects.select_related("media__video").get(
            media=media_id, kind=kind, status=JobStatus.RUNNING
        )
        if not Suspects.may_run(job, worker):
            transaction.set_rollback(True)
            return None
        JobAttempt.objects.create(job=job, number=job.attempt, worker=worker)
        self._begin_processing(media_id)
        return self._claim(job)

    def renew(self, claim: Claim, progress: int) -> bool:
        """Raises `JobFailed` with `media_deleted` when nobody wants the work any more."""
        renewed = HeldJob.of(claim).renew(progress, self._lease)
        is_shown = Media.objects.filter(uuid=claim.media_id, status__in=SHOWN_MEDIA)
        if claim.kind != JobKind.DELETE_MEDIA and not is_shown.exists():
            message = "The media was deleted while it was worked on."
            raise JobFailed(FailureCode.MEDIA_DELETED, message)
        return renewed

    def _may_begin(self, media_id: UUID, kind: JobKind) -> bool:
        """Lock the media; False while its state, or another attempt, forbids this."""
        if kind == JobKind.DELETE_MEDIA:
            gone = self._lock_media(media_id, GONE_MEDIA)
            return gone and OtherJobs(media_id).close()
        if kind == JobKind.UPLOAD_TO_CDN and not self._lock_idle_blob(media_id):
            return False
        return self._lock_media(media_id, SHOWN_MEDIA)

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
    def _lock_media(media_id: UUID, statuses: Iterable[MediaStatus]) -> bool:
        media = Media.objects.select_for_update(no_key=True)
        return media.filter(uuid=media_id, status__in=statuses).first() is not None

    def _take(self, media_id: UUID, kind: JobKind) -> bool:
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
            lease_until=FromNow(self._lease),
            started_at=Coalesce(F("started_at"), Now()),
            progress=0,
        )
        return taken == 1

    @staticmethod
    def _begin_processing(media_id: UUID) -> None:
        """Readers see each time that the job runs."""
        pending = When(
            status=MediaStatus.PENDING, then=Value(MediaStatus.PROCESSING.value)
        )
        Revision.rise(media_id, status=Case(pending, default=F("status")))

    @staticmethod
    def _claim(job: Job) -> Claim:
        blob = job.media.video
        return Claim(
            job_id=job.uuid,
            media_id=job.media_id,
            kind=JobKind(job.kind),
            attempt=job.attempt,
            fence=job.fence,
            request_id=job.request_id,
            staged_picture=job.staged_name,
            video=BlobRows.ref(blob) if blob else None,
        )
