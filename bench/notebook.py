"""Keeps what was measured as soon as it is, so that an interrupted bench has it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from bench.comparison import Result
from bench.page import MeasuredPage, MeasuredText
from bench.report import ResultsFile
from bench.revision import Revision


@dataclass(frozen=True)
class Conditions:
    """What a result says of the bench that it is of."""

    scale: str
    measured_on: str
    cores: int
    load_before: float
    commit: str

    @classmethod
    def now(cls, scale: str) -> Self:
        """Before the bench loads the machine itself."""
        today = datetime.now(UTC).date().isoformat()
        load = round(os.getloadavg()[0], 2)
        return cls(scale, today, os.cpu_count() or 1, load, Revision().name)

    def told(self, result: Result) -> Result:
        return replace(
            result,
            scale=self.scale,
            measured_on=self.measured_on,
            cores=self.cores,
            load_before=self.load_before,
            commit=self.commit,
        )


class Notebook:
    """The results file, and the page where one is renewed."""

    def __init__(
        self, file: ResultsFile, page: MeasuredPage | None, conditions: Conditions
    ) -> None:
        self._file = file
        self._page = page
        self._conditions = conditions
        self.results: list[Result] = []

    def keep_others(self, known: Iterable[Result]) -> None:
        """Where only some rows are measured: what an equally large bench said of the
        others."""
        scale = self._conditions.scale
        self.results = [result for result in known if result.scale == scale]

    def add(self, result: Result) -> None:
        """In the place of what was known of the same work beside the same peer."""
        told, place = self._conditions.told(result), self._place(result)
        self.results[place : place + 1] = [told]
        self._file.write(self.results)
        if self._page:
            self._page.write(MeasuredText().of(self.results))

    def _place(self, result: Result) -> int:
        works = [(known.work, known.peer) for known in self.results]
        work = (result.work, result.peer)
        return works.index(work) if work in works else len(works)
