"""The transactions in which an attempt ends, well or badly."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import (
    DECIDING_JOBS,
    ENDLESS_JOBS,
    AttemptOutcome,
    JobKind,
    RetryPolicy,
)
from backend.domain.media import UrlKind
from backend.domain.states import (
    GONE_MEDIA,
    MEDIA_TRANSITIONS,
    SHOWN_MEDIA,
    MediaStatus,
)
from backend.domain.technical import TechnicalSummary
from backend.orm.bells import Bells
from backend.orm.blob_rows import BlobRows
from backend.orm.claimed_bytes import ClaimedBytes
from backend.orm.held_job import HeldJob
from backend.orm.models import Blob, Job, Media, Url
from backend.orm.revision import Revision
from backend.orm.unneeded_files import UnneededFiles
from backend.use_cases.ports import Claim, StagedNames


class JobEndings:
    """Writes how an attempt ended; all raise `LeaseLost` when it no longer holds.

    Locks blob, media and job in that order. The names that are returned are those of
    the staged file of the blob once nobody needs it any more, and of the picture that
    was staged for a job that is over. Of a media that was deleted meanwhile only the
    job is changed: it ends, whatever its attempt came to.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy

    @transaction.atomic
    def mark_published(self, claim: Claim) -> StagedNames:
        is_shown = self._lock(claim)
        ClaimedBytes(claim).check()
        HeldJob.of(claim).succeed()
        BlobRows.mark_stored(claim.blob.uuid)
        Bells.ring_for_upload(claim.blob.uuid)
        if is_shown:
            self._write_url(claim)
            # Single-row: whoever comes second, publishing or describing, makes it ready.
            half = Q(described_at__isnull=False)
            self._complete(claim.media_id, half, "published_at")
        return self._unneeded(claim)

    @transaction.atomic
    def mark_described(self, claim: Claim, summary: TechnicalSummary) -> StagedNames:
        is_shown = self._lock(claim)
        HeldJob.of(claim).succeed()
        if is_shown:
            self._write_summary(claim.media_id, summary)
            half = Q(published_at__isnull=False)
            self._complete(claim.media_id, half, "described_at")
        return self._unneeded(claim)

    @transaction.atomic
    def mark_pictured(self, claim: Claim) -> StagedNames:
        self._lock(claim)
        HeldJob.of(claim).succeed()
        # The attempt has removed them, whichever of these jobs has left them.
        jobs = Job.objects.filter(media=claim.media_id, kind=claim.kind)
        jobs.exclude(leftovers=[]).update(leftovers=[])
        Revision.rise(claim.media_id)
        return self._unneeded(claim)

    @transaction.atomic
    def fail(self, claim: Claim, error: JobFailed) -> StagedNames:
        is_shown = self._lock(claim)
        held = HeldJob.of(claim)
        held.end_attempt(AttemptOutcome.FAILED, error.code, str(error))
        if is_shown and ClaimedBytes(claim).are_there_after(error):
            Revision.rise(claim.media_id)
            held.queue_again(timedelta())
        else:
            self.end_badly(held, claim.media_id, claim.kind, error)
        if claim.kind == JobKind.UPLOAD_TO_CDN:
            Bells.ring_for_upload(claim.blob.uuid)
        return self._unneeded(claim)

    @transaction.atomic
    def release(self, claim: Claim) -> None:
        Revision.rise(claim.media_id)
        held = HeldJob.of(claim)
        held.queue_again(timedelta())
        held.end_attempt(AttemptOutcome.INTERRUPTED)

    def end_badly(
        self, held: HeldJob, media_id: UUID, kind: JobKind, error: JobFailed
    ) -> None:
        """Queue the job again or fail it, and its media if it decides about that.

        Needs the media locked.
        """
        Revision.rise(media_id)
        job = Job.objects.only("failed_attempts").get(uuid=held.job_id)
        failed = job.failed_attempts + int(error.failure.counts)
        if kind not in ENDLESS_JOBS and self._policy.gives_up(error.failure, failed):
            code = error.failure.last_code
            held.fail(code, failed_attempts=failed)
            if kind in DECIDING_JOBS:
                self._fail_media(media_id, code)
        elif kind != JobKind.DELETE_MEDIA and self._is_gone(media_id):
            held.fail(FailureCode.MEDIA_DELETED, failed_attempts=failed)
            Bells.ring_for_deletion(media_id)
        else:
            delay = self._policy.delay(error.failure, held.attempt, failed)
            held.queue_again(delay, failed_attempts=failed, failure_code=error.code)

    @staticmethod
    def _is_gone(media_id: UUID) -> bool:
        return Media.objects.filter(uuid=media_id, status__in=GONE_MEDIA).exists()

    @staticmethod
    def _lock(claim: Claim) -> bool:
        """The blob too: of two last jobs on it one must see that the other has ended.

        False if the media is being deleted, which may go on when this attempt has ended.
        """
        if claim.video is not None:
            blobs = Blob.objects.select_for_update(no_key=True)
            blobs.filter(uuid=claim.video.uuid).first()
        media = Media.objects.select_for_update(no_key=True)
        is_shown = media.filter(uuid=claim.media_id, status__in=SHOWN_MEDIA).first()
        if is_shown is None:
            Bells.ring_for_deletion(claim.media_id)
        return is_shown is not None

    @staticmethod
    def _write_summary(media_id: UUID, summary: TechnicalSummary) -> None:
        Media.objects.filter(uuid=media_id).update(
            technical=summary.as_dict(), duration_seconds=summary.duration
        )

    @staticmethod
    def _write_url(claim: Claim) -> None:
        Url.objects.update_or_create(
            media_id=claim.media_id,
            kind=UrlKind.VIDEO,
            defaults={"object_key": str(claim.blob.object_key)},
        )

    @staticmethod
    def _complete(media_id: UUID, other_half_done: Q, moment: str) -> None:
        ready = When(
            other_half_done
            & Q(status__in=MEDIA_TRANSITIONS.sources(MediaStatus.READY)),
            then=Value(MediaStatus.READY.value),
        )
        status = Case(ready, default=F("status"))
        Revision.rise(media_id, **{moment: Now()}, status=status)

    @staticmethod
    def _fail_media(media_id: UUID, code: FailureCode) -> None:
        sources = MEDIA_TRANSITIONS.sources(MediaStatus.FAILED)
        Media.objects.filter(uuid=media_id, status__in=sources).update(
            status=MediaStatus.FAILED, failure_code=code
        )

    @staticmethod
    def _unneeded(claim: Claim) -> StagedNames:
        blob_id = claim.video.uuid if claim.video else None
        return UnneededFiles.let_go(claim.media_id, blob_id)
