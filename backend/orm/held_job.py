"""The row of a running job, written to only while its fence holds."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from backend.domain.failures import FailureCode
from backend.domain.jobs import SUSPICIOUS_LOSSES, AttemptOutcome
from backend.domain.states import JobStatus
from backend.orm.bells import Bells
from backend.orm.intervals import FromNow
from backend.orm.models import Job, JobAttempt
from backend.orm.prepared import Prepared
from backend.use_cases.ports import Claim

MESSAGE_MOST_CHARACTERS = 1_000


class LeaseLost(Exception):
    """A newer claim holds the job; this transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that an attempt holds. Every method but `renew` raises `LeaseLost`."""

    job_id: UUID
    fence: int
    attempt: int

    _SUCCEED: ClassVar = Prepared("""
        WITH done AS (
            UPDATE job
               SET status = %(succeeded)s, progress = 100, failure_code = '',
                   lease_until = NULL, finished_at = statement_timestamp()
             WHERE uuid = %(job)s AND fence = %(fence)s AND status = %(running)s
            RETURNING uuid
        ), ended AS (
            UPDATE job_attempt
               SET ended_at = statement_timestamp(), outcome = %(outcome)s, code = '',
                   message = %(message)s
              FROM done WHERE job_id = done.uuid AND number = %(number)s
        )
        SELECT uuid FROM done
    """)

    @classmethod
    def of(cls, claim: Claim) -> Self:
        return cls(claim.job_id, claim.fence, claim.attempt)

    def renew(self, progress: int, lease: timedelta) -> bool:
        renewed = self._row().update(lease_until=FromNow(lease), progress=progress)
        return renewed == 1

    def lock(self) -> None:
        """Locks to the end of the transaction: until then no other worker can take the
        job."""
        if self._row().select_for_update(no_key=True).first() is None:
            raise LeaseLost

    def note(self, **columns: Any) -> None:
        """Write to the row while the attempt is running."""
        self._write(**columns)

    def succeed(self, message: str = "") -> None:
        done = self._SUCCEED.row(
            job=self.job_id,
            fence=self.fence,
            number=self.attempt,
            running=JobStatus.RUNNING.value,
            succeeded=JobStatus.SUCCEEDED.value,
            outcome=AttemptOutcome.SUCCEEDED.value,
            message=message[:MESSAGE_MOST_CHARACTERS],
        )
        if done is None:
            raise LeaseLost
        self._ring_for_suspects()

    def queue_again(self, delay: timedelta, **changes: Any) -> None:
        self._write(
            status=JobStatus.QUEUED,
            lease_until=None,
            run_after=FromNow(delay),
            ring_after=FromNow(delay),
            **changes,
        )

    def fail(self, code: FailureCode, **changes: Any) -> None:
        self._write(
            status=JobStatus.FAILED,
            failure_code=code,
            lease_until=None,
            finished_at=Now(),
            **changes,
        )

    def end_attempt(
        self, outcome: AttemptOutcome, code: str = "", message: str = ""
    ) -> None:
        JobAttempt.objects.filter(job=self.job_id, number=self.attempt).update(
            ended_at=Now(),
            outcome=outcome,
            code=code,
            message=message[:MESSAGE_MOST_CHARACTERS],
        )
        self._ring_for_suspects()

    def _ring_for_suspects(self) -> None:
        """Only a job with this many losses can have kept other suspects waiting."""
        if self.attempt > SUSPICIOUS_LOSSES:
            Bells.ring_for_suspects()

    def _row(self) -> QuerySet[Job]:
        return Job.objects.filter(
            uuid=self.job_id, fence=self.fence, status=JobStatus.RUNNING
        )

    def _write(self, **columns: Any) -> None:
        if self._row().update(**columns) != 1:
            raise LeaseLost
