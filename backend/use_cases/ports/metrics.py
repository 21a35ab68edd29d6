"""Observers that count events. Nothing here raises or blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.figures import Figures
from backend.domain.health import StoreName
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.media import Ingested
from backend.domain.tallies import Tally


class UploadObserver(Protocol):
    """Called for each video that was received completely."""

    def ingested(self, size_bytes: int, ingested: Ingested) -> None: ...


class UnobservedUploads:
    """Counts nothing."""

    def ingested(self, size_bytes: int, ingested: Ingested) -> None:
        pass


class RequestObserver(Protocol):
    """Called after each request."""

    def answered(
        self, method: str, route: str, status: int | None, seconds: float
    ) -> None:
        """`status` is None if the client left before the answer."""


class FiguresReader(Protocol):
    """Reads the state of the whole installation from PostgreSQL."""

    async def read(self) -> Figures:
        """Raises `DatabaseAway`, `DatabaseSilent`."""


class StoreObserver(Protocol):
    """Called after each operation of a store, on any thread."""

    def asked(
        self, store: StoreName, operation: str, seconds: float, *, answered: bool
    ) -> None: ...


class JobObserver(Protocol):
    """Called when an attempt begins, with its wait, and when it ends."""

    def begun(self, kind: JobKind, waited_seconds: float) -> None: ...

    def ended(self, kind: JobKind, outcome: AttemptOutcome, seconds: float) -> None: ...


class SweepObserver(Protocol):
    """Called with the findings of sweepers."""

    def taken_back(self, count: int) -> None: ...

    def rung_again(self, kind: JobKind, count: int) -> None: ...


class StagedObserver(Protocol):
    """Called with everything that is staged, each time it is listed."""

    def staged(self, files: int, size_bytes: int) -> None: ...


class CacheObserver(Protocol):
    """Called with the source of each answer."""

    def cached(self, *, hit: bool) -> None: ...


class Unobserved:
    """Counts none of these."""

    def asked(
        self, store: StoreName, operation: str, seconds: float, *, answered: bool
    ) -> None:
        pass

    def begun(self, kind: JobKind, waited_seconds: float) -> None:
        pass

    def ended(self, kind: JobKind, outcome: AttemptOutcome, seconds: float) -> None:
        pass

    def taken_back(self, count: int) -> None:
        pass

    def rung_again(self, kind: JobKind, count: int) -> None:
        pass

    def staged(self, files: int, size_bytes: int) -> None:
        pass

    def cached(self, *, hit: bool) -> None:
        pass


UNOBSERVED = Unobserved()


class CountedTallies(Protocol):
    """The counts of this process, to be handed over."""

    def take(self) -> list[Tally]:
        """Everything counted since the last call."""

    def give_back(self, tallies: Sequence[Tally]) -> None:
        """Take back counts that could not be handed over, for the next time."""


class TallyLedger(Protocol):
    """Keeps what all workers count."""

    async def add(self, tallies: Sequence[Tally]) -> None:
        """Raises `DatabaseAway`."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """The size of a connection pool, and how many wait for a connection."""

    size: int
    busy: int
    waiting: int
