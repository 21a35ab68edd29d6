"""What is claimed, what was measured, and whether the one holds for the other."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Goal:
    """How many times better ours is to be than its peer."""

    least_ratio: float

    @property
    def text(self) -> str:
        return f"at least {self.least_ratio:g}x"

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.least_ratio


@dataclass(frozen=True)
class Sample:
    """One run: units of work in a second, and processor seconds that one unit took."""

    rate: float
    processor_seconds: float


@dataclass(frozen=True)
class Pair:
    """Two runs right after one another."""

    ours: Sample
    theirs: Sample

    @property
    def ratio(self) -> float:
        return self.ours.rate / self.theirs.rate


@dataclass(frozen=True)
class Work:
    """A row of the table of goals."""

    name: str
    peer: str
    unit: str
    goal: Goal


@dataclass(frozen=True)
class Result:
    """A row of `results.json`; without figures, `note` says why there are none."""

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
    processor_ours: float | None
    processor_theirs: float | None
    pairs: int
    note: str

    @classmethod
    def of(cls, work: Work, pairs: Sequence[Pair], note: str = "") -> "Result":
        """Medians; the spread of the ratio is its least and its most."""
        ratios = [pair.ratio for pair in pairs]
        ratio = statistics.median(ratios)
        ours = [pair.ours for pair in pairs]
        theirs = [pair.theirs for pair in pairs]
        return cls(
            work.name,
            work.peer,
            work.unit,
            statistics.median(sample.rate for sample in ours),
            statistics.median(sample.rate for sample in theirs),
            ratio,
            min(ratios),
            max(ratios),
            work.goal.text,
            work.goal.is_met(ratio),
            statistics.median(sample.processor_seconds for sample in ours),
            statistics.median(sample.processor_seconds for sample in theirs),
            len(pairs),
            note,
        )

    @classmethod
    def failed(cls, work: Work, why: str) -> "Result":
        """A goal whose measurement failed is not met."""
        nothing = (None,) * 5
        return cls(
            *(work.name, work.peer, work.unit, *nothing, work.goal.text, False),
            *(None, None, 0, why),
        )


class ResultsFile:
    """`results.json`: a list of rows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, results: Sequence[Result]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = [asdict(result) for result in results]
        self._path.write_text(json.dumps(rows, indent=2) + "\n")


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
        if result.ratio is None:
            return ["-", "-", cls._reason(result), "-"]
        processor = (
            f"{(result.processor_ours or 0) * 1000:.2f} / "
            f"{(result.processor_theirs or 0) * 1000:.2f}"
        )
        spread = f"{result.ratio_low:.2f} to {result.ratio_high:.2f}"
        return [
            f"{result.ours:,.1f}",
            f"{result.theirs:,.1f}",
            f"{result.ratio:.2f} ({spread})",
            processor,
        ]

    @classmethod
    def _reason(cls, result: Result) -> str:
        """Its first words: the whole of it is in `results.json`."""
        words = " ".join(result.note.split()).replace("|", "/")
        return f"not measured: {words[:cls.REASON_MOST]}"


class MeasuredPage:
    """The part of a page between two marks, which nobody but the bench writes."""

    BEGIN = "<!-- measured: begin -->"
    END = "<!-- measured: end -->"

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str) -> None:
        """Raises `ValueError` when the page has no such part."""
        page = self._path.read_text()
        before, begin, rest = page.partition(self.BEGIN)
        _, end, after = rest.partition(self.END)
        if not begin or not end:
            raise ValueError(f"{self._path} has no {self.BEGIN} … {self.END}")
        self._path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
