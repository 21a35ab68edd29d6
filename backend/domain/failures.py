"""The catalogue of everything that can end an attempt of a job."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from backend.domain.errors import MediaProjectError


class FailureCode(StrEnum):
    UNREADABLE_MEDIA = "unreadable_media"
    OBJECT_STORE_AWAY = "object_store_away"
    OBJECT_STORE_DENIED = "object_store_denied"
    OBJECT_DAMAGED = "object_damaged"
    OBJECT_MISSING = "object_missing"
    CDN_AWAY = "cdn_away"
    DOCUMENT_STORE_AWAY = "document_store_away"
    DATABASE_AWAY = "database_away"
    STAGED_FILE_MISSING = "staged_file_missing"
    STAGING_AWAY = "staging_away"
    STAGING_FULL = "staging_full"
    EXTRACTOR_CRASHED = "extractor_crashed"
    EXTRACTOR_TIMED_OUT = "extractor_timed_out"
    EXTRACTOR_OUT_OF_MEMORY = "extractor_out_of_memory"
    UNREADABLE_PICTURE = "unreadable_picture"
    PICTURE_MAKER_CRASHED = "picture_maker_crashed"
    PICTURE_MAKER_TIMED_OUT = "picture_maker_timed_out"
    PICTURE_MAKER_OUT_OF_MEMORY = "picture_maker_out_of_memory"
    MEDIA_DELETED = "media_deleted"
    STEP_TIMED_OUT = "step_timed_out"
    LEASE_LOST = "lease_lost"
    CRASH_LOOP = "crash_loop"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a code means: whether it is `retried` automatically and `counts` against the
    attempts, and advice.

    `at_once`: it took long enough to be noticed, so the second attempt need not wait.
    `most_attempts` overrides the policy: a file affects a parser the same way again, so
    a second try is enough. `ends_as` is the code when the attempts are used up.
    """

    code: FailureCode
    title: str
    advice: str
    retried: bool = True
    counts: bool = True
    at_once: bool = False
    most_attempts: int | None = None
    ends_as: FailureCode | None = None

    @property
    def last_code(self) -> FailureCode:
        """The code of a job that is given up because of this failure."""
        return self.ends_as or self.code


_CATALOGUE = (
    Failure(
        FailureCode.UNREADABLE_MEDIA,
        "The file begins like a video but cannot be read",
        "Check that the file plays on your side and upload it again.",
        retried=False,
    ),
    Failure(
        FailureCode.OBJECT_STORE_AWAY,
        "The object store cannot be reached",
        "The job is retried until the store answers and has room; if that takes "
        "long, check the store and its disks.",
        counts=False,
    ),
    Failure(
        FailureCode.OBJECT_STORE_DENIED,
        "The object store refuses our credentials or the bucket",
        "Check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and S3_BUCKET, then retry the job.",
    ),
    Failure(
        FailureCode.OBJECT_DAMAGED,
        "The object store holds different bytes than were sent",
        "Check the object store, then retry the job.",
    ),
    Failure(
        FailureCode.OBJECT_MISSING,
        "The stored object is gone",
        "Upload the same file again: it comes back under the same media.",
        retried=False,
    ),
    Failure(
        FailureCode.CDN_AWAY,
        "The CDN has not agreed to forget what was removed",
        "Check CDN_PURGE_URL and CDN_PURGE_TOKEN; the job is retried until the CDN "
        "agrees.",
        counts=False,
    ),
    Failure(
        FailureCode.DOCUMENT_STORE_AWAY,
        "The metadata store cannot be reached",
        "Nothing to do: the job is retried until the store answers.",
        counts=False,
    ),
    Failure(
        FailureCode.DATABASE_AWAY,
        "The database could not be reached",
        "Nothing to do: the job is retried until the database answers.",
        counts=False,
    ),
    Failure(
        FailureCode.STAGED_FILE_MISSING,
        "The staged file was lost or damaged before it was stored",
        "Send the same file again: a video comes back under the same media.",
        retried=False,
    ),
    Failure(
        FailureCode.STAGING_AWAY,
        "Staging cannot be used",
        "Check the disk and the rights of STAGING_DIR, or the object store if "
        "STAGING_BACKEND is s3; the "
        "job is retried until it "
        "works.",
        counts=False,
    ),
    Failure(
        FailureCode.STAGING_FULL,
        "There is no room in the staging folder",
        "Make room on its disk; the job is retried until there is room.",
        counts=False,
    ),
    Failure(
        FailureCode.EXTRACTOR_CRASHED,
        "The metadata extractor crashed on this file",
        "The file may be damaged; check it and upload it again.",
        most_attempts=2,
    ),
    Failure(
        FailureCode.EXTRACTOR_TIMED_OUT,
        "The metadata extractor did not finish in time",
        "The file may be damaged; check it and upload it again.",
        most_attempts=2,
    ),
    Failure(
        FailureCode.EXTRACTOR_OUT_OF_MEMORY,
        "The metadata extractor needs more memory than it may have",
        "The file may be damaged; check it and upload it again.",
        most_attempts=2,
    ),
    Failure(
        FailureCode.UNREADABLE_PICTURE,
        "It contains no readable picture",
        "The video is not affected. Send a JPEG, PNG or WebP as its miniature.",
        retried=False,
    ),
    Failure(
        FailureCode.PICTURE_MAKER_CRASHED,
        "The picture maker crashed on this file",
        "The video is not affected. Send a JPEG, PNG or WebP as its miniature.",
        most_attempts=2,
    ),
    Failure(
        FailureCode.PICTURE_MAKER_TIMED_OUT,
        "The picture maker did not finish in time",
        "The video is not affected. Send a JPEG, PNG or WebP as its miniature.",
        most_attempts=2,
    ),
    Failure(
        FailureCode.PICTURE_MAKER_OUT_OF_MEMORY,
        "The picture maker needs more memory than it may have",
        "The video is not affected. Send a smaller JPEG, PNG or WebP as its miniature.",
        most_attempts=2,
    ),
    Failure(
        FailureCode.MEDIA_DELETED,
        "The media was deleted meanwhile",
        "Nothing to do: the result is no longer needed.",
        retried=False,
    ),
    Failure(
        FailureCode.STEP_TIMED_OUT,
        "The step did not finish in time",
        "Retry the job; if it happens again, check the store that it uses.",
    ),
    Failure(
        FailureCode.LEASE_LOST,
        "The worker stopped reporting while it had this job",
        "Retry the job; if it happens again, check the worker's log.",
        at_once=True,
        ends_as=FailureCode.CRASH_LOOP,
    ),
    Failure(
        FailureCode.CRASH_LOOP,
        "One worker after another died with this job",
        "Check the worker's log and memory; the file may be what kills it. The job "
        "can be retried.",
        retried=False,
    ),
    Failure(
        FailureCode.INTERNAL_ERROR,
        "An unforeseen error occurred",
        "Retry the job; if it happens again, report it with the job history.",
    ),
)

FAILURES = {failure.code: failure for failure in _CATALOGUE}

# After these failures only the bytes are missing.
LOST_BYTES = (FailureCode.OBJECT_MISSING, FailureCode.STAGED_FILE_MISSING)

# After these failures the picture that was sent can never become a miniature.
HOPELESS_PICTURE = (
    FailureCode.UNREADABLE_PICTURE,
    FailureCode.PICTURE_MAKER_CRASHED,
    FailureCode.PICTURE_MAKER_TIMED_OUT,
    FailureCode.PICTURE_MAKER_OUT_OF_MEMORY,
    FailureCode.STAGED_FILE_MISSING,
    FailureCode.MEDIA_DELETED,
)


class JobFailed(Exception):
    """An attempt failed; `str(error)` tells a person what happened."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code

    @classmethod
    def of(cls, error: MediaProjectError) -> Self:
        """Errors of stores and failures of jobs share their codes."""
        try:
            return cls(FailureCode(error.code), str(error))
        except ValueError:
            return cls(FailureCode.INTERNAL_ERROR, str(error))

    @property
    def failure(self) -> Failure:
        return FAILURES[self.code]
