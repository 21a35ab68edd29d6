"""Writes what `make bench` has measured into its page: `python -m bench.page`."""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from bench.comparison import Result
from bench.report import MarkdownTable, ResultsFile
from bench.scale import FULL

PROJECT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results.json"
PAGE = PROJECT / "docs" / "performance.md"


class NotForThePage(Exception):
    """Results say too little, or nothing."""


class MeasuredText:
    """What a page says of results, and nothing else than they say."""

    def of(self, results: Sequence[Result]) -> str:
        """Raises `NotForThePage` for results of a smaller bench."""
        if not results:
            raise NotForThePage("nothing was measured")
        if scales := {result.scale for result in results} - {FULL.name}:
            raise NotForThePage(f"the bench was {', '.join(sorted(scales))}, not full")
        table = MarkdownTable().text(results)
        met = sum(result.met for result in results)
        return (
            f"{met} of {len(results)} goals are met, in {FULL.pairs} pairs, of reads "
            f"with {FULL.read_seconds} s each and {FULL.read_rows:,} media. "
            f"{self._benches(results)}\n\n{table}"
        )

    @classmethod
    def _benches(cls, results: Sequence[Result]) -> str:
        """Where some rows were measured apart, each bench with its own."""
        benches: dict[str, list[str]] = {}
        works = Counter(result.work for result in results)
        for result in results:
            is_one_of_several = works[result.work] > 1
            peer = f" beside {result.peer}" if is_one_of_several else ""
            rows = benches.setdefault(cls._bench(result), [])
            rows.append(f"{result.work}{peer}")
        if len(benches) == 1:
            return f"Measured {', '.join(benches)}."
        lines = [f"- {bench}: {'; '.join(rows)}." for bench, rows in benches.items()]
        return "\n".join([f"Measured by {len(benches)} benches:\n", *lines])

    @staticmethod
    def _bench(result: Result) -> str:
        day = date.fromisoformat(result.measured_on)
        commit = f"`{result.commit}`" if result.commit else "a commit nobody noted"
        return (
            f"on {day:%d %B %Y} at {commit} on {result.cores} cores, with a load of "
            f"{result.load_before:.1f} before it began"
        )


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


class Command:
    """The command line."""

    def main(self, words: Sequence[str] | None = None) -> int:
        options = self._options(words)
        try:
            text = MeasuredText().of(ResultsFile(options.results).read())
            MeasuredPage(options.page).write(text)
        except (NotForThePage, OSError, TypeError, ValueError) as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
        return 0

    @staticmethod
    def _options(words: Sequence[str] | None) -> argparse.Namespace:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--results", type=Path, default=RESULTS)
        parser.add_argument("--page", type=Path, default=PAGE)
        return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(Command().main())
