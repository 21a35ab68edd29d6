"""The state of the whole installation, in numbers from PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.domain.tallies import Tally


@dataclass(frozen=True, slots=True)
class JobCount:
    """The number of jobs of one kind by state; due jobs of a paused kind count as
    `paused`. `code` is the failure of their last attempt. `oldest_seconds` is how long
    the longest due job has waited."""

    kind: str
    status: str
    code: str
    count: int
    oldest_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many findings the latest comparison of the stores had; `applied` says whether
    they were repaired."""

    kind: str
    applied: bool
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Succeeded jobs are not counted: their number only grows.

    `paused` are the paused kinds of job, `tallies` the counts of all workers.
    `is_known` is false if PostgreSQL did not answer.
    """

    jobs: Sequence[JobCount] = ()
    findings: Sequence[FindingCount] = ()
    heartbeat_age_seconds: float | None = None
    reconciled_age_seconds: float | None = None
    paused: Collection[str] = ()
    tallies: Sequence[Tally] = ()
    is_known: bool = True
