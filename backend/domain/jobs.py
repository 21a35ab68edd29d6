"""Background work: its kinds, how an attempt ends, and when it is tried again."""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from backend.domain.failures import Failure


class JobKind(StrEnum):
    UPLOAD_TO_CDN = "upload_to_cdn"
    EXTRACT_METADATA = "extract_metadata"
    MAKE_MINIATURE = "make_miniature"
    DELETE_MEDIA = "delete_media"


INGEST_JOBS = (JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA)


class AttemptOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    # The worker died or was cut off: nobody renewed the lease.
    LOST = "lost"
    # The worker was told to stop; the job goes on elsewhere.
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Decides whether a failed attempt is followed by another, and when.

    The delay doubles with each failure and carries jitter, so that jobs that failed
    together do not come back together.
    """

    most_failures: int = 5
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(seconds=15)

    def gives_up(self, failure: Failure, failed_attempts: int) -> bool:
        """`failed_attempts` counts this one, if the failure counts at all."""
        if not failure.retried:
            return True
        return failure.counts and failed_attempts >= self.most_failures

    def delay(self, failure: Failure, tries: int) -> timedelta:
        if failure.at_once:
            return timedelta()
        doubled: timedelta = self.first_delay * 2 ** min(max(tries - 1, 0), 16)
        # Jitter needs no cryptography.
        jitter = random.uniform(0.5, 1.0)  # noqa: S311
        return min(doubled, self.longest_delay) * jitter
