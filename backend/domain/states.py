"""The states of things and the one table of legal transitions.

`orm/` generates its CHECK constraints and the guards of its UPDATE statements from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class MediaStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"
    DELETED = "deleted"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class BlobState(StrEnum):
    STAGED = "staged"
    STORED = "stored"
    MISSING = "missing"


State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True)
class TransitionTable(Generic[State]):
    """Which state may follow which."""

    successors: Mapping[State, frozenset[State]]

    @property
    def states(self) -> list[State]:
        return list(self.successors)

    def sources(self, target: State) -> list[State]:
        """The states from which `target` may be entered: the guard of an UPDATE."""
        return [
            state for state, following in self.successors.items() if target in following
        ]

    def allows(self, source: State, target: State) -> bool:
        return target in self.successors[source]


MEDIA_TRANSITIONS = TransitionTable(
    {
        MediaStatus.PENDING: frozenset(
            {MediaStatus.PROCESSING, MediaStatus.FAILED, MediaStatus.DELETING}
        ),
        MediaStatus.PROCESSING: frozenset(
            {MediaStatus.READY, MediaStatus.FAILED, MediaStatus.DELETING}
        ),
        # Back from ready only by healing: an object or a document that is gone.
        MediaStatus.READY: frozenset(
            {MediaStatus.PROCESSING, MediaStatus.FAILED, MediaStatus.DELETING}
        ),
        MediaStatus.FAILED: frozenset({MediaStatus.PROCESSING, MediaStatus.DELETING}),
        MediaStatus.DELETING: frozenset({MediaStatus.DELETED}),
        MediaStatus.DELETED: frozenset(),
    }
)

JOB_TRANSITIONS = TransitionTable(
    {
        JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.FAILED}),
        JobStatus.RUNNING: frozenset(
            {JobStatus.QUEUED, JobStatus.SUCCEEDED, JobStatus.FAILED}
        ),
        JobStatus.SUCCEEDED: frozenset(),
        JobStatus.FAILED: frozenset(),
    }
)

BLOB_TRANSITIONS = TransitionTable(
    {
        BlobState.STAGED: frozenset({BlobState.STORED, BlobState.MISSING}),
        BlobState.STORED: frozenset({BlobState.STAGED, BlobState.MISSING}),
        BlobState.MISSING: frozenset({BlobState.STAGED}),
    }
)

# In these states a second upload of the same bytes by the owner is a duplicate.
LIVE_MEDIA = (MediaStatus.PENDING, MediaStatus.PROCESSING, MediaStatus.READY)
# Visible to readers.
SHOWN_MEDIA = (*LIVE_MEDIA, MediaStatus.FAILED)
# No longer visible to readers.
GONE_MEDIA = (MediaStatus.DELETING, MediaStatus.DELETED)
OPEN_JOBS = (JobStatus.QUEUED, JobStatus.RUNNING)
