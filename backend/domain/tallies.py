"""Counts and times of processes, as series that only grow, and levels that they
observe."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """A name, what it tells, its labels, and the upper bounds of its buckets; none: a
    mere count.

    Of a level only the last value is shown.
    """

    text: str
    told: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    is_level: bool = False


class Measures:
    """All there are. Their rows outlive releases: other bounds or labels need another
    name."""

    ATTEMPT = Measure(
        "attempt_seconds",
        "How long attempts of jobs took.",
        labels=("kind", "outcome"),
        bounds=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
    )
    QUEUE_WAIT = Measure(
        "queue_wait_seconds",
        "How long due jobs waited before a worker began an attempt.",
        labels=("kind",),
        bounds=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0),
    )
    STORE = Measure(
        "worker_store_seconds",
        "How long stores took to answer workers.",
        labels=("store", "operation", "outcome"),
        bounds=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0),
    )
    LEASES_LOST = Measure(
        "sweeper_leases_lost", "Jobs that sweepers took back from silent workers."
    )
    RUNG_AGAIN = Measure(
        "sweeper_rings",
        "Jobs that sweepers rang for: retries and lost messages.",
        labels=("kind",),
    )
    STAGED_FILES = Measure(
        "staged_files",
        "Files in staging, in the folder or the store, at the last comparison.",
        is_level=True,
    )
    STAGED_BYTES = Measure(
        "staged_bytes",
        "Bytes in staging, in the folder or the store, at the last comparison.",
        is_level=True,
    )
    ALL = (
        *(ATTEMPT, QUEUE_WAIT, STORE),
        *(LEASES_LOST, RUNG_AGAIN, STAGED_FILES, STAGED_BYTES),
    )


@dataclass(frozen=True, slots=True)
class Series:
    """One measure with the values of its labels."""

    measure: Measure
    values: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        return (self.measure.text, *self.values)

    @classmethod
    def of(cls, key: Any) -> "Series | None":
        """None for a series of another release."""
        name, *values = key
        for measure in Measures.ALL:
            if measure.text == name and len(measure.labels) == len(values):
                return cls(measure, tuple(values))
        return None


@dataclass(slots=True)
class Tally:
    """`counts` of each bucket alone, the last one without a bound; their sum in `total`.

    A level is in `total`.
    """

    series: Series
    counts: list[int]
    total: float = 0.0

    @classmethod
    def empty(cls, series: Series) -> "Tally":
        return cls(series, [0] * (len(series.measure.bounds) + 1))

    def add(self, value: float) -> None:
        bounds = self.series.measure.bounds
        self.counts[bisect_left(bounds, value) if bounds else 0] += 1
        self.total += value

    def merge(self, other: "Tally") -> None:
        pairs = zip(self.counts, other.counts, strict=True)
        self.counts = [mine + theirs for mine, theirs in pairs]
        self.total += other.total

    @property
    def cumulated(self) -> list[int]:
        sums, so_far = [], 0
        for count in self.counts:
            so_far += count
            sums.append(so_far)
        return sums
