"""The transactions in which an attempt ends, well or badly."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from backend.domain.failures import JobFailed
from backend.domain.jobs import INGEST_JOBS, AttemptOutcome, JobKind, RetryPolicy
from backend.domain.media import UrlKind
from backend.domain.states import (
    BLOB_TRANSITIONS,
    MEDIA_TRANSITIONS,
    OPEN_JOBS,
    BlobState,
    JobStatus,
    MediaStatus,
)
from backend.domain.technical import TechnicalSummary
from backend.orm.held_job import HeldJob
from backend.orm.models import Blob, Job, Media, Url
from backend.use_cases.ports import Claim


class JobEndings:
    """Writes how an attempt ended; all raise `LeaseLost` when it no longer holds.

    Locks blob, media and job in that order. The name that is returned is that of the
    staged file of the blob once nobody needs it any more.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy

    @transaction.atomic
    def mark_published(self, claim: Claim) -> UUID | None:
        self._lock(claim)
        self._held(claim).succeed()
        self._mark_stored(claim.blob.uuid)
        self._write_url(claim)
        self._ring_for_twins(claim)
        # Single-row: whoever comes second, publishing or describing, makes it ready.
        self._complete(claim.media_id, Q(described_at__isnull=False), "published_at")
        return self._staged_file_not_needed(claim.blob.uuid)

    @transaction.atomic
    def mark_described(self, claim: Claim, summary: TechnicalSummary) -> UUID | None:
        self._lock(claim)
        self._held(claim).succeed()
        Media.objects.filter(uuid=claim.media_id).update(
            technical=summary.as_dict(), duration_seconds=summary.duration
        )
        self._complete(claim.media_id, Q(published_at__isnull=False), "described_at")
        return self._staged_file_not_needed(claim.blob.uuid)

    @transaction.atomic
    def fail(self, claim: Claim, error: JobFailed) -> UUID | None:
        self._lock(claim)
        held = self._held(claim)
        held.end_attempt(AttemptOutcome.FAILED, error.code, str(error))
        self.end_badly(held, claim.media_id, claim.kind, error)
        return self._staged_file_not_needed(claim.blob.uuid)

    @transaction.atomic
    def release(self, claim: Claim) -> None:
        held = self._held(claim)
        held.queue_again(timedelta())
        held.end_attempt(AttemptOutcome.INTERRUPTED)

    def end_badly(
        self, held: HeldJob, media_id: UUID, kind: JobKind, error: JobFailed
    ) -> None:
        """Queue the job again or fail it and its media; needs the media locked."""
        job = Job.objects.only("failed_attempts").get(uuid=held.job_id)
        failed = job.failed_attempts + int(error.failure.counts)
        if not self._policy.gives_up(error.failure, failed):
            delay = self._policy.delay(error.failure, held.attempt)
            held.queue_again(delay, failed_attempts=failed, failure_code=error.code)
            return
        held.fail(error.code, failed_attempts=failed)
        if kind in INGEST_JOBS:
            self._fail_media(media_id, error)

    @staticmethod
    def _held(claim: Claim) -> HeldJob:
        return HeldJob(claim.job_id, claim.fence, claim.attempt)

    @staticmethod
    def _mark_stored(blob_id: UUID) -> None:
        sources = BLOB_TRANSITIONS.sources(BlobState.STORED)
        Blob.objects.filter(uuid=blob_id, state__in=sources).update(
            state=BlobState.STORED, stored_at=Now()
        )

    @staticmethod
    def _lock(claim: Claim) -> None:
        """The blob too: of two last jobs on it one must see that the other has ended."""
        Blob.objects.select_for_update(no_key=True).get(uuid=claim.blob.uuid)
        Media.objects.select_for_update(no_key=True).get(uuid=claim.media_id)

    @staticmethod
    def _ring_for_twins(claim: Claim) -> None:
        """Other media that waited for this upload need not wait for their next bell."""
        waiting = Job.objects.filter(
            kind=claim.kind, status=JobStatus.QUEUED, media__video=claim.blob.uuid
        )
        waiting.update(ring_after=Now())

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
        Media.objects.filter(uuid=media_id).update(
            **{moment: Now()},
            status=Case(ready, default=F("status")),
            revision=F("revision") + 1,
            updated_at=Now(),
        )

    @staticmethod
    def _fail_media(media_id: UUID, error: JobFailed) -> None:
        sources = MEDIA_TRANSITIONS.sources(MediaStatus.FAILED)
        Media.objects.filter(uuid=media_id, status__in=sources).update(
            status=MediaStatus.FAILED,
            failure_code=error.code,
            revision=F("revision") + 1,
            updated_at=Now(),
        )

    @staticmethod
    def _staged_file_not_needed(blob_id: UUID) -> UUID | None:
        stored = Blob.objects.filter(uuid=blob_id, state=BlobState.STORED)
        waiting = Job.objects.filter(media__video=blob_id, status__in=OPEN_JOBS)
        if waiting.exists():
            return None
        return stored.values_list("staged_name", flat=True).first()
