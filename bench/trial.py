"""How every row is run."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from bench.comparison import Pair, Result, Sample, Work

Run = Callable[[], Sample]


class NotEquivalent(Exception):
    """Two contenders do different things, so that their figures say nothing."""


# Whatever it is, the other rows are to be measured.
FAILURES = (Exception,)


class Reason:
    """Why something was not measured; what is more is told in the terminal."""

    @staticmethod
    def of(error: Exception) -> str:
        traceback.print_exception(error)
        return f"{type(error).__name__}: {error}"


class Row(Protocol):
    """One or more lines of the table, with all that it takes to measure them."""

    def run(self) -> Iterator[Result]:
        """Starts and ends its own processes; what fails is told in the results."""


class Trial:
    """Turns what was measured, or why nothing was, into a result."""

    @staticmethod
    def result(work: Work, measure: Callable[[], Sequence[Pair]]) -> Result:
        try:
            return Result.of(work, measure())
        except FAILURES as error:
            return Result.failed(work, Reason.of(error))


class Interleaving:
    """Runs of two, in pairs whose order changes: A B, B A."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs

    def run(self, ours: Run, theirs: Run) -> list[Pair]:
        return [self._pair(number, ours, theirs) for number in range(self._pairs)]

    @staticmethod
    def _pair(number: int, ours: Run, theirs: Run) -> Pair:
        if number % 2 == 0:
            first = ours()
            return Pair(first, theirs())
        other = theirs()
        return Pair(ours(), other)
