"""Background work: its kinds, how an attempt ends, and when it is retried."""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from backend.domain.failures import Failure


class JobKind(StrEnum):
    UPLOAD_TO_CDN = "upload_to_cdn"
    EXTRACT_METADATA = "extract_metadata"
    MAKE_MINIATURE = "make_miniature"
    DELETE_MEDIA = "delete_media"


# A media is ready when these have succeeded, and fails with them.
DECIDING_JOBS = (JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA)
INGEST_JOBS = (*DECIDING_JOBS, JobKind.MAKE_MINIATURE)
# A job that has lost this many workers may be what killed them.
SUSPICIOUS_LOSSES = 2
# Nobody could start these again, and their unfinished work would never be found.
ENDLESS_JOBS = (JobKind.DELETE_MEDIA,)


class AttemptOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    # The worker died or was cut off: nobody renewed the lease.
    LOST = "lost"
    # The worker was told to stop; another continues the job.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RetriedJob:
    """A job that was reopened, and the `kinds` of all jobs reopened with it."""

    job_id: UUID
    kinds: tuple[JobKind, ...]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Decides whether a failed attempt is followed by another, and when.

    The delay doubles with each failure and carries jitter, so that jobs that failed
    together do not come back together.
    """

    most_failures: int = 5
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(seconds=15)

    def most_attempts(self, failure: Failure) -> int | None:
        """The number of failed attempts after which this failure ends the job; None:
        never."""
        if not failure.retried:
            return 1
        if not failure.counts:
            return None
        return failure.most_attempts or self.most_failures

    def gives_up(self, failure: Failure, failed_attempts: int) -> bool:
        """`failed_attempts` counts this one, if the failure counts at all."""
        most = self.most_attempts(failure)
        return most is not None and failed_attempts >= most

    def delay(self, failure: Failure, tries: int, failed_attempts: int) -> timedelta:
        """Jobs that lose a worker twice wait, so that they do not die together again."""
        if failure.at_once and failed_attempts <= 1:
            return timedelta()
        doubled: timedelta = self.first_delay * 2 ** min(max(tries - 1, 0), 16)
        # Jitter needs no cryptography.
        jitter = random.uniform(0.5, 1.0)  # noqa: S311
        return min(doubled, self.longest_delay) * jitter
