from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.states import JobStatus
from backend.orm.held_job import HeldJob
from backend.orm.models import Job


class OtherJobs:
    """All other work on a media that is being deleted; needs the media locked."""

    def __init__(self, media_id: UUID) -> None:
        self._jobs = Job.objects.filter(media=media_id).exclude(
            kind=JobKind.DELETE_MEDIA
        )

    def close_queued(self) -> None:
        self._jobs.filter(status=JobStatus.QUEUED).update(
            status=JobStatus.FAILED,
            failure_code=FailureCode.MEDIA_DELETED,
            finished_at=Now(),
        )

    def close(self) -> bool:
        """False while an attempt holds a lease; otherwise none of them can write any
        more."""
        leased = ExpressionWrapper(Q(lease_until__gt=Now()), BooleanField())
        running = self._jobs.filter(status=JobStatus.RUNNING).annotate(leased=leased)
        jobs = list(running.select_for_update(no_key=True))
        if any(job.leased for job in jobs):
            return False
        for job in jobs:
            self._close_lost(job)
        self.close_queued()
        return True

    @staticmethod
    def _close_lost(job: Job) -> None:
        held = HeldJob(job.uuid, job.fence, job.attempt)
        held.fail(FailureCode.MEDIA_DELETED)
        lost = JobFailed(FailureCode.LEASE_LOST, "The lease ended without a word.")
        held.end_attempt(AttemptOutcome.LOST, lost.code, str(lost))
