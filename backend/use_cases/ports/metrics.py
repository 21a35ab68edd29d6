"""Who counts what happens. Nothing here raises or blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.figures import Figures
from backend.domain.health import StoreName
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.media import Ingested
from backend.domain.tallies import Tally


class UploadObserver(Protocol):
    """Told of each video that was received whole."""

    def ingested(self, size_bytes: int, ingested: Ingested) -> None: ...


class UnobservedUploads:
    """Where nobody counts."""

    def ingested(self, size_bytes: int, ingested: Ingested) -> None:
        pass


class RequestObserver(Protocol):
    """Told of each request when it is over."""

    def answered(
        self, method: str, route: str, status: int | None, seconds: float
    ) -> None:
        """`status` is None where the client left before it was answered."""


class FiguresReader(Protocol):
    """Asks PostgreSQL how the whole installation does."""

    async def read(self) -> Figures:
        """Raises `DatabaseAway`, `DatabaseSilent`."""


class StoreObserver(Protocol):
    """Told of each operation of a store when it is over; called on any thread."""

    def asked(
        self, store: StoreName, operation: str, seconds: float, *, answered: bool
    ) -> None: ...


class JobObserver(Protocol):
    """Told of attempts: when one begins, after what wait, and how it ended."""

    def begun(self, kind: JobKind, waited_seconds: float) -> None: ...

    def ended(self, kind: JobKind, outcome: AttemptOutcome, seconds: float) -> None: ...


class SweepObserver(Protocol):
    """Told of what sweepers find."""

    def taken_back(self, count: int) -> None: ...

    def rung_again(self, kind: JobKind, count: int) -> None: ...


class StagedObserver(Protocol):
    """Told of all that is staged, each time that it is listed."""

    def staged(self, files: int, size_bytes: int) -> None: ...


class CacheObserver(Protocol):
    """Told where each answer came from."""

    def cached(self, *, hit: bool) -> None: ...


class Unobserved:
    """Where nobody counts any of these."""

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
    """What was counted in this process and is handed over."""

    def take(self) -> list[Tally]:
        """All since it was asked last."""

    def give_back(self, tallies: Sequence[Tally]) -> None:
        """They could not be handed over: next time, then."""


class TallyLedger(Protocol):
    """Keeps what all workers count."""

    async def add(self, tallies: Sequence[Tally]) -> None:
        """Raises `DatabaseAway`."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Of a pool of connections: how many there may be, and who waits for one."""

    size: int
    busy: int
    waiting: int
