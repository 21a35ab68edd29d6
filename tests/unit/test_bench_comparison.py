import json
from pathlib import Path

import pytest

from bench.comparison import (
    AtLeastTimes,
    AtMost,
    AtMostMore,
    AtMostTimes,
    Goal,
    Pair,
    Result,
    Sample,
    Under,
    Work,
)
from bench.report import MarkdownTable, ResultsFile

WORK = Work("GET one media, cold", "FastAPI", "requests/s", AtLeastTimes(1.5))


def pair(ours: float, theirs: float) -> Pair:
    return Pair(Sample(ours, 0.001), Sample(theirs, 0.004))


def result(*pairs: Pair) -> Result:
    return Result.of(WORK, pairs)


class TestResult:
    def test_ratio_is_the_median_of_the_pairs_and_not_of_all_runs(self) -> None:
        measured = result(pair(100, 50), pair(300, 100), pair(10, 10))
        assert (measured.ratio, measured.ratio_low, measured.ratio_high) == (2, 1, 3)
        assert (measured.ours, measured.theirs) == (100, 50)

    @pytest.mark.parametrize(("ours", "met"), [(149, False), (150, True), (151, True)])
    def test_goal_is_met_from_its_bound_on(self, ours: float, met: bool) -> None:
        assert result(pair(ours, 100)).met is met

    @pytest.mark.parametrize(
        ("goal", "met", "missed"),
        [
            (AtMostTimes(1.2), pair(12, 10), pair(12.1, 10)),
            (AtMostMore(20, "ms"), pair(22, 2), pair(22.1, 2)),
            (AtMost(16, "MiB"), Pair(Sample(16)), Pair(Sample(16.1))),
            (Under(1, "s"), Pair(Sample(0.99)), Pair(Sample(1))),
        ],
    )
    def test_other_goals_have_their_bounds(
        self, goal: Goal, met: Pair, missed: Pair
    ) -> None:
        work = Work("a ping", "itself", "ms", goal)
        assert [Result.of(work, [one]).met for one in (met, missed)] == [True, False]

    def test_without_a_peer_it_has_no_ratio_but_a_spread(self) -> None:
        measured = Result.of(WORK, [Pair(Sample(3)), Pair(Sample(1)), Pair(Sample(2))])
        assert (measured.ours, measured.ours_low, measured.ours_high) == (2, 1, 3)
        assert (measured.theirs, measured.ratio, measured.ratio_low) == (None,) * 3
        assert "| 2.00 | - | - (ours 1.00 to 3.00) |" in MarkdownTable().text(
            [measured]
        )

    def test_says_what_processors_cost(self) -> None:
        measured = result(pair(1, 1))
        assert (measured.processor_ours, measured.processor_theirs) == (0.001, 0.004)

    def test_failure_is_no_met_goal(self) -> None:
        failed = Result.failed(WORK, "it broke")
        assert (failed.met, failed.ratio, failed.note) == (False, None, "it broke")
        assert (failed.work, failed.goal) == (WORK.name, "at least 1.5x")


class TestResultsFile:
    def test_is_a_list_of_rows_with_what_readers_rely_on(self, tmp_path: Path) -> None:
        path = tmp_path / "results.json"
        ResultsFile(path).write([result(pair(4, 2)), Result.failed(WORK, "it broke")])
        rows = json.loads(path.read_text())
        promised = "work peer unit ours theirs ratio ratio_low ratio_high goal met"
        assert [set(promised.split()) - set(row) for row in rows] == [set(), set()]
        assert [row["ratio"] for row in rows] == [2.0, None]
        assert [row["met"] for row in rows] == [True, False]

    def test_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        file = ResultsFile(tmp_path / "results.json")
        assert file.read() == []
        written = [result(pair(4, 2)), Result.failed(WORK, "it broke")]
        file.write(written)
        assert file.read() == written


class TestMarkdownTable:
    def test_has_a_line_for_each_row(self) -> None:
        text = MarkdownTable().text([result(pair(3_000, 1_000), pair(2_000, 1_000))])
        assert text.splitlines()[2] == (
            "| GET one media, cold | FastAPI | requests/s | 2,500.0 | 1,000.0 "
            "| 2.50 (2.00 to 3.00) | 1.00 / 4.00 | at least 1.5x | yes |"
        )

    def test_every_line_has_as_many_cells_as_the_head(self) -> None:
        rows = [result(pair(2, 1)), Result.failed(WORK, "a\n| b")]
        lines = MarkdownTable().text(rows).splitlines()
        assert len({line.count("|") for line in lines}) == 1
        assert "not measured: a / b" in lines[-1]
