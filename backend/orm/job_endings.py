"""The transactions in which an attempt ends, well or badly."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from backend.domain.failures import LOST_BYTES, FailureCode, JobFailed
from backend.domain.jobs import (
    DECIDING_JOBS,
    ENDLESS_JOBS,
    AttemptOutcome,
    JobKind,
    RetryPolicy,
)
from backend.domain.states import (
    GONE_MEDIA,
    MEDIA_TRANSITIONS,
    MediaStatus,
)
from backend.domain.technical import TechnicalSummary
from backend.orm.bells import Bells
from backend.orm.blob_rows import BlobRows
from backend.orm.held_job import HeldJob
from backend.orm.held_rows import HeldRows
from backend.orm.models import Job, Media
from backend.orm.ready_media import ReadyMedia
from backend.orm.reopened_work import ReopenedWork
from backend.orm.revision import Revision
from backend.orm.unneeded_files import UnneededFiles
from backend.use_cases.ports import Claim, StagedNames


class JobEndings:
    """Writes how an attempt ended; all raise `LeaseLost` when it no longer holds.

    Locks blob, media and job in that order. The returned names are those of the staged
    file of the blob once it is no longer needed, and of the picture that was staged for
    a finished job. If the media was deleted meanwhile only the job changes: it ends,
    whatever the result of its attempt.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy

    @transaction.atomic
    def mark_published(self, claim: Claim) -> StagedNames:
        rows = HeldRows.lock(claim)
        rows.bytes_of(claim).check()
        HeldJob.of(claim).succeed()
        BlobRows.mark_stored(claim.blob.uuid)
        Bells.ring_for_upload(claim.blob.uuid)
        if rows.is_shown:
            ReadyMedia(claim.media_id).publish(claim.blob.object_key)
        return self._unneeded(claim)

    @transaction.atomic
    def mark_described(self, claim: Claim, summary: TechnicalSummary) -> StagedNames:
        rows = HeldRows.lock(claim)
        HeldJob.of(claim).succeed()
        if rows.is_shown:
            ReadyMedia(claim.media_id).describe(summary)
        return self._unneeded(claim)

    @transaction.atomic
    def mark_pictured(self, claim: Claim) -> StagedNames:
        HeldRows.lock(claim)
        HeldJob.of(claim).succeed()
        # The attempt has removed them, whichever of these jobs has left them.
        jobs = Job.objects.filter(media=claim.media_id, kind=claim.kind)
        jobs.exclude(leftovers=[]).update(leftovers=[])
        Revision.rise(claim.media_id)
        return self._unneeded(claim)

    @transaction.atomic
    def fail(self, claim: Claim, error: JobFailed) -> StagedNames:
        rows = HeldRows.lock(claim)
        held = HeldJob.of(claim)
        held.end_attempt(AttemptOutcome.FAILED, error.code, str(error))
        claimed = rows.bytes_of(claim)
        claimed.disown_after(error)
        if rows.is_shown and claimed.are_there_after(error):
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
                self._fail_media(media_id, kind, code)
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
    def _fail_media(media_id: UUID, kind: JobKind, code: FailureCode) -> None:
        """Not one that has what the job was to achieve: a look for its object that fails
        says nothing of the object, unless it says that its bytes are lost."""
        sources = MEDIA_TRANSITIONS.sources(MediaStatus.FAILED)
        media = Media.objects.filter(uuid=media_id, status__in=sources)
        if code not in LOST_BYTES:
            media = media.filter(**{ReopenedWork.MOMENTS[kind]: None})
        media.update(status=MediaStatus.FAILED, failure_code=code)

    @staticmethod
    def _unneeded(claim: Claim) -> StagedNames:
        blob_id = claim.video.uuid if claim.video else None
        return UnneededFiles.let_go(claim.media_id, blob_id)
