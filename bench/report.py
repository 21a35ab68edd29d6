"""The rows as programs and people read them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.comparison import Result


class ResultsFile:
    """`results.json`: a list of rows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Result]:
        """Nothing where nothing was measured. Raises `TypeError`, `ValueError`."""
        if not self._path.exists():
            return []
        return [Result(**row) for row in json.loads(self._path.read_text())]

    def write(self, results: Sequence[Result]) -> None:
        """Whoever reads meanwhile sees all of it or what was there before."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(result) for result in results]
        written = self._path.with_suffix(".new")
        written.write_text(json.dumps(rows, indent=2) + "\n")
        written.replace(self._path)


class MarkdownTable:
    """The rows as a person reads them, in a terminal and on a page."""

    REASON_MOST = 200
    HEAD = (
        "Work | Peer | Unit | Ours | Theirs | Ratio (least to most) "
        "| CPU ms per unit, ours / theirs | Goal | Met"
    )

    def text(self, results: Sequence[Result]) -> str:
        columns = self.HEAD.count("|") + 1
        lines = [f"| {self.HEAD} |", "|" + " --- |" * columns]
        return "\n".join([*lines, *(self._line(result) for result in results)])

    def _line(self, result: Result) -> str:
        met = "yes" if result.met else "no"
        cells = [result.work, result.peer, result.unit, *self._figures(result)]
        return f"| {' | '.join([*cells, result.goal, met])} |"

    @classmethod
    def _figures(cls, result: Result) -> list[str]:
        if result.ours is None:
            return ["-", "-", cls._reason(result), "-"]
        processor = (
            f"{cls._milliseconds(result.processor_ours)} / "
            f"{cls._milliseconds(result.processor_theirs)}"
        )
        return [
            cls._figure(result.ours),
            cls._figure(result.theirs),
            cls._ratio(result),
            processor,
        ]

    @classmethod
    def _ratio(cls, result: Result) -> str:
        if result.ratio is None:
            low, high = map(cls._figure, (result.ours_low, result.ours_high))
            return f"- (ours {low} to {high})"
        return f"{result.ratio:.2f} ({result.ratio_low:.2f} to {result.ratio_high:.2f})"

    @staticmethod
    def _figure(figure: float | None) -> str:
        if figure is None:
            return "-"
        return f"{figure:,.1f}" if figure >= 10 else f"{figure:.2f}"

    @staticmethod
    def _milliseconds(seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds * 1000:.2f}"

    @classmethod
    def _reason(cls, result: Result) -> str:
        """Its first words: the whole of it is in `results.json`."""
        words = " ".join(result.note.split()).replace("|", "/")
        return f"not measured: {words[:cls.REASON_MOST]}"
