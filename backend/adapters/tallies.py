"""What a worker process counts, until it is handed over."""

from collections.abc import Sequence
from threading import Lock

from backend.domain.health import StoreName
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.tallies import Measure, Measures, Series, Tally


class Tallies:
    """The `JobObserver`, `StoreObserver`, `SweepObserver`, `StagedObserver` and
    `CountedTallies` ports."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tallies: dict[Series, Tally] = {}

    def begun(self, kind: JobKind, waited_seconds: float) -> None:
        self._add(Measures.QUEUE_WAIT, max(0.0, waited_seconds), kind)

    def ended(self, kind: JobKind, outcome: AttemptOutcome, seconds: float) -> None:
        self._add(Measures.ATTEMPT, seconds, kind, outcome)

    def asked(
        self, store: StoreName, operation: str, seconds: float, *, answered: bool
    ) -> None:
        outcome = "answered" if answered else "failed"
        self._add(Measures.STORE, seconds, store, operation, outcome)

    def taken_back(self, count: int) -> None:
        self._count(Measures.LEASES_LOST, count)

    def rung_again(self, kind: JobKind, count: int) -> None:
        self._count(Measures.RUNG_AGAIN, count, kind)

    def staged(self, files: int, size_bytes: int) -> None:
        self._see(Measures.STAGED_FILES, files)
        self._see(Measures.STAGED_BYTES, size_bytes)

    def take(self) -> list[Tally]:
        with self._lock:
            taken, self._tallies = self._tallies, {}
        return list(taken.values())

    def give_back(self, tallies: Sequence[Tally]) -> None:
        with self._lock:
            for tally in tallies:
                self._give_back(tally)

    def _give_back(self, tally: Tally) -> None:
        """A level that has been seen since is newer."""
        if tally.series.measure.is_level:
            self._tallies.setdefault(tally.series, tally)
        else:
            self._tally(tally.series).merge(tally)

    def _see(self, measure: Measure, level: float) -> None:
        with self._lock:
            self._tally(Series(measure)).total = level

    def _add(self, measure: Measure, value: float, *labels: str) -> None:
        with self._lock:
            self._tally(Series(measure, tuple(map(str, labels)))).add(value)

    def _count(self, measure: Measure, count: int, *labels: str) -> None:
        with self._lock:
            tally = self._tally(Series(measure, tuple(map(str, labels))))
            tally.counts[0] += count

    def _tally(self, series: Series) -> Tally:
        tally = self._tallies.get(series)
        if tally is None:
            tally = self._tallies[series] = Tally.empty(series)
        return tally
