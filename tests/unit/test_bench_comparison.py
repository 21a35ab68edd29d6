import json
from pathlib import Path

import pytest

from bench.comparison import (
    Goal,
    MarkdownTable,
    MeasuredPage,
    Pair,
    Result,
    ResultsFile,
    Sample,
    Work,
)

WORK = Work("GET one media, cold", "FastAPI", "requests/s", Goal(1.5))


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


class TestMeasuredPage:
    def test_changes_nothing_but_its_part(self, tmp_path: Path) -> None:
        path = tmp_path / "page.md"
        marks = MeasuredPage.BEGIN, MeasuredPage.END
        path.write_text(f"before\n{marks[0]}\nold\n{marks[1]}\nafter\n")
        MeasuredPage(path).write("new")
        MeasuredPage(path).write("newer")
        assert path.read_text() == f"before\n{marks[0]}\nnewer\n{marks[1]}\nafter\n"

    def test_page_without_the_part_stays_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "page.md"
        path.write_text("nothing")
        with pytest.raises(ValueError, match="has no"):
            MeasuredPage(path).write("new")
        assert path.read_text() == "nothing"
