"""How the whole installation does, in numbers that PostgreSQL knows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.domain.tallies import Tally


@dataclass(frozen=True, slots=True)
class JobCount:
    """Jobs of one kind in one state, which for those that are due may be `paused`; `code` is what their last attempt ended by.

    `oldest_seconds` is how long the one that is due the longest has waited.
    """

    kind: str
    status: str
    code: str
    count: int
    oldest_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FindingCount:
    """What the latest comparison of the stores found; `applied`: and put right."""

    kind: str
    applied: bool
    count: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Jobs that have succeeded are not counted: there are ever more of them.

    `paused` are kinds of job, `tallies` what all workers have counted; not `is_known`:
    nobody could be asked.
    """

    jobs: Sequence[JobCount] = ()
    findings: Sequence[FindingCount] = ()
    heartbeat_age_seconds: float | None = None
    reconciled_age_seconds: float | None = None
    paused: Collection[str] = ()
    tallies: Sequence[Tally] = ()
    is_known: bool = True
