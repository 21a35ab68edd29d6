"""What a person on call looks at and does by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from backend.domain.failures import FailureCode
from backend.domain.jobs import JobKind
from backend.domain.media import Caller
from backend.domain.rights import Right

# Pausing stops the work of all users everywhere.
PAUSING_RIGHTS = (Right.JOB_RETRY_ANY, Right.SYSTEM_INSPECT)
RETRYING_RIGHTS = (Right.JOB_RETRY_ANY,)
INSPECTING_RIGHTS = (Right.JOB_READ, Right.SYSTEM_INSPECT)


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts by hand: an account, or the person who runs commands on the machine."""

    name: str
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class FailedJobs:
    """The jobs that failed for good with this code and were not reopened since."""

    code: FailureCode
    kind: JobKind | None = None

    @property
    def kinds(self) -> tuple[JobKind, ...]:
        return tuple(JobKind) if self.kind is None else (self.kind,)


@dataclass(frozen=True, slots=True)
class FailedJob:
    job_id: UUID
    media_id: UUID
    kind: JobKind


@dataclass(frozen=True, slots=True)
class FailedCount:
    """By the clock of the database."""

    by_kind: Mapping[JobKind, int]
    counted_at: datetime

    @property
    def total(self) -> int:
        return sum(self.by_kind.values())


@dataclass(frozen=True, slots=True)
class OpenedAgain:
    media_id: UUID
    kinds: tuple[JobKind, ...]


@dataclass(slots=True)
class Reopened:
    """The result of a retry of many jobs: `refused` counts them by code."""

    opened: list[OpenedAgain] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, code: str) -> None:
        self.refused[code] = self.refused.get(code, 0) + 1


@dataclass(frozen=True, slots=True)
class Pause:
    kind: JobKind
    since: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Paused:
    """`is_new`: the kind was not paused before; the `running` attempts run to their
    end."""

    is_new: bool
    running: int


class StuckReason(StrEnum):
    PAUSED = "paused"
    NO_WORKER = "no_worker"
    LEASE_LOST = "lease_lost"
    TRIED_AGAIN = "tried_again"
    FAILED = "failed"

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    StuckReason.PAUSED: "its kind is paused; resume_jobs continues it",
    StuckReason.NO_WORKER: "it is due and no worker has taken it",
    StuckReason.LEASE_LOST: "its worker is silent; a sweeper takes it back in seconds",
    StuckReason.TRIED_AGAIN: "its attempts fail, and it is retried automatically",
    StuckReason.FAILED: "it has failed for good; retry_jobs reopens it",
}


@dataclass(frozen=True, slots=True)
class StuckCount:
    """`code` is the failure of the last attempt, if any failed."""

    reason: StuckReason
    kind: JobKind
    code: str
    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class StuckJob:
    """`seconds`: for how long; `worker` and `message` are those of the last attempt."""

    reason: StuckReason
    kind: JobKind
    code: str
    job_id: UUID
    media_id: UUID
    seconds: float
    attempt: int
    worker: str
    message: str


@dataclass(frozen=True, slots=True)
class Stuck:
    """All stuck jobs are counted; of the jobs themselves, the longest stuck are
    listed."""

    pauses: Sequence[Pause] = ()
    heartbeat_age_seconds: float | None = None
    counts: Sequence[StuckCount] = ()
    jobs: Sequence[StuckJob] = ()

    @property
    def total(self) -> int:
        return sum(count.count for count in self.counts)
