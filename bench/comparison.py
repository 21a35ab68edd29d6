"""What is claimed, what was measured, and whether the one holds for the other."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """One run: its figure in the unit of the work, and processor seconds of one unit."""

    figure: float
    processor_seconds: float | None = None


@dataclass(frozen=True)
class Pair:
    """Two runs right after one another; one alone where there is no peer."""

    ours: Sample
    theirs: Sample | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours.figure / self.theirs.figure if self.theirs else None

    @property
    def difference(self) -> float:
        return self.ours.figure - (self.theirs.figure if self.theirs else 0.0)


class Medians:
    """Of all pairs; None of nothing."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs

    @property
    def ratios(self) -> list[float]:
        found = (pair.ratio for pair in self._pairs)
        return [ratio for ratio in found if ratio is not None]

    @property
    def ratio(self) -> float | None:
        return self._median(self.ratios)

    @property
    def difference(self) -> float:
        return statistics.median(pair.difference for pair in self._pairs)

    @property
    def ours(self) -> float:
        return statistics.median(pair.ours.figure for pair in self._pairs)

    @property
    def theirs(self) -> float | None:
        return self._median([p.theirs.figure for p in self._pairs if p.theirs])

    @property
    def processor_ours(self) -> float | None:
        return self._cost([pair.ours for pair in self._pairs])

    @property
    def processor_theirs(self) -> float | None:
        return self._cost([pair.theirs for pair in self._pairs if pair.theirs])

    @classmethod
    def _cost(cls, samples: Sequence[Sample]) -> float | None:
        costs = (sample.processor_seconds for sample in samples)
        return cls._median([cost for cost in costs if cost is not None])

    @staticmethod
    def _median(figures: Sequence[float]) -> float | None:
        return statistics.median(figures) if figures else None


class Goal(Protocol):
    """What ours is to be."""

    @property
    def text(self) -> str: ...

    def is_met(self, medians: Medians) -> bool: ...


@dataclass(frozen=True)
class AtLeastTimes:
    """So many times the figure of the peer."""

    ratio: float

    @property
    def text(self) -> str:
        return f"at least {self.ratio:g}x"

    def is_met(self, medians: Medians) -> bool:
        return medians.ratio is not None and medians.ratio >= self.ratio


@dataclass(frozen=True)
class AtMostTimes:
    """No more than so many times the figure of the peer."""

    ratio: float

    @property
    def text(self) -> str:
        return f"at most {self.ratio:g}x"

    def is_met(self, medians: Medians) -> bool:
        return medians.ratio is not None and medians.ratio <= self.ratio


@dataclass(frozen=True)
class AtMostMore:
    """No more than so much above the figure of the peer."""

    more: float
    unit: str

    @property
    def text(self) -> str:
        return f"at most +{self.more:g} {self.unit}"

    def is_met(self, medians: Medians) -> bool:
        return medians.theirs is not None and medians.difference <= self.more


@dataclass(frozen=True)
class AtMost:
    """No more than so much, whatever others do."""

    most: float
    unit: str

    @property
    def text(self) -> str:
        return f"at most {self.most:g} {self.unit}"

    def is_met(self, medians: Medians) -> bool:
        return medians.ours <= self.most


@dataclass(frozen=True)
class Under:
    """Less than so much, whatever others do."""

    bound: float
    unit: str

    @property
    def text(self) -> str:
        return f"p50 under {self.bound:g} {self.unit}"

    def is_met(self, medians: Medians) -> bool:
        return medians.ours < self.bound


@dataclass(frozen=True)
class Work:
    """A row of the table of goals."""

    name: str
    peer: str
    unit: str
    goal: Goal


@dataclass(frozen=True)
class Result:
    """A row of `results.json`; without figures, `note` says why there are none.

    The last five are of the bench, whose load is that of the machine before it began.
    """

    work: str
    peer: str
    unit: str
    ours: float | None
    theirs: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    goal: str
    met: bool
    ours_low: float | None = None
    ours_high: float | None = None
    processor_ours: float | None = None
    processor_theirs: float | None = None
    pairs: int = 0
    note: str = ""
    scale: str = ""
    measured_on: str = ""
    cores: int = 0
    load_before: float = 0.0
    commit: str = ""

    @classmethod
    def of(cls, work: Work, pairs: Sequence[Pair], note: str = "") -> "Result":
        """Medians; the spread is the least and the most of all pairs."""
        medians = Medians(pairs)
        ratios, ours = medians.ratios, [pair.ours.figure for pair in pairs]
        return cls(
            work=work.name,
            peer=work.peer,
            unit=work.unit,
            ours=medians.ours,
            theirs=medians.theirs,
            ratio=medians.ratio,
            ratio_low=min(ratios, default=None),
            ratio_high=max(ratios, default=None),
            goal=work.goal.text,
            met=work.goal.is_met(medians),
            ours_low=min(ours),
            ours_high=max(ours),
            processor_ours=medians.processor_ours,
            processor_theirs=medians.processor_theirs,
            pairs=len(pairs),
            note=note,
        )

    @classmethod
    def failed(cls, work: Work, why: str) -> "Result":
        """A goal whose measurement failed is not met."""
        nothing = (None,) * 5
        names = (work.name, work.peer, work.unit)
        return cls(*names, *nothing, goal=work.goal.text, met=False, note=why)
