import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.comparison import AtLeastTimes, Pair, Result, Sample, Work
from bench.notebook import Conditions, Notebook
from bench.page import Command, MeasuredPage, MeasuredText, NotForThePage
from bench.report import MarkdownTable, ResultsFile
from bench.revision import Revision

FULL = Conditions("full", "2026-11-29", 2, 0.1, "abcdef0123")
LATER = replace(FULL, measured_on="2026-11-30", load_before=1.5, commit="fedcba9876")
QUICK = replace(FULL, scale="quick")
BEGIN, END = MeasuredPage.BEGIN, MeasuredPage.END


def result(work: str, ours: float = 4, peer: str = "FastAPI") -> Result:
    measured = Work(work, peer, "requests/s", AtLeastTimes(1.5))
    return Result.of(measured, [Pair(Sample(ours), Sample(2))])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results.json"


def notebook(file: Path, page: Path, conditions: Conditions = FULL) -> Notebook:
    return Notebook(ResultsFile(file), MeasuredPage(page), conditions)


class TestMeasuredPage:
    def test_changes_nothing_but_its_part(self, page: Path) -> None:
        MeasuredPage(page).write("new")
        MeasuredPage(page).write("newer")
        assert page.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"

    def test_page_without_the_part_stays_as_it_is(self, page: Path) -> None:
        page.write_text("nothing")
        with pytest.raises(ValueError, match="has no"):
            MeasuredPage(page).write("new")
        assert page.read_text() == "nothing"


class TestMeasuredText:
    def test_says_how_it_was_measured_and_what(self) -> None:
        results = [FULL.told(result("cold")), FULL.told(result("cached", ours=2))]
        text = MeasuredText().of(results)
        assert text.startswith("1 of 2 goals are met, in 12 pairs, of reads with 2 s")
        assert (
            "Measured on 29 November 2026 at `abcdef0123` on 2 cores, with a load of 0.1 "
            "before it began.\n"
        ) in text
        assert text.endswith(MarkdownTable().text(results))

    def test_says_which_rows_are_of_which_bench(self) -> None:
        results = [
            FULL.told(result("cold")),
            LATER.told(result("cold", peer="DRF")),
            LATER.told(result("cached")),
            replace(FULL, commit="").told(result("jobs")),
        ]
        lines = MeasuredText().of(results).splitlines()
        assert lines[0].endswith("Measured by 3 benches:")
        first, later, unknown = lines[2:5]
        assert first.startswith("- on 29 November 2026 at `abcdef0123` on 2 cores")
        assert first.endswith("a load of 0.1 before it began: cold beside FastAPI.")
        assert later.startswith("- on 30 November 2026 at `fedcba9876` on 2 cores")
        assert later.endswith("a load of 1.5 before it began: cold beside DRF; cached.")
        assert "at a commit nobody noted" in unknown

    def test_smaller_bench_and_none_are_not_for_the_page(self) -> None:
        for results in ([], [QUICK.told(result("cold"))], [result("cold")]):
            with pytest.raises(NotForThePage):
                MeasuredText().of(results)


class TestNotebook:
    def test_each_result_is_kept_at_once(self, file: Path, page: Path) -> None:
        notes = notebook(file, page)
        for count, work in enumerate(["cold", "cached"], 1):
            notes.add(result(work))
            assert len(ResultsFile(file).read()) == count
            assert f"{count} of {count} goals are met" in page.read_text()

    def test_a_whole_bench_forgets_the_one_before(self, file: Path, page: Path) -> None:
        notebook(file, page).add(result("cold"))
        notebook(file, page).add(result("cached"))
        assert [kept.work for kept in ResultsFile(file).read()] == ["cached"]

    def test_some_rows_take_their_places_among_the_others(
        self, file: Path, page: Path
    ) -> None:
        first = notebook(file, page)
        for work, peer in (("cold", "FastAPI"), ("cold", "DRF"), ("cached", "DRF")):
            first.add(result(work, peer=peer))
        again = notebook(file, page)
        again.keep_others(ResultsFile(file).read())
        again.add(result("cold", ours=6, peer="DRF"))
        again.add(result("new"))
        kept = [(r.work, r.peer, r.ours) for r in ResultsFile(file).read()]
        assert kept == [
            ("cold", "FastAPI", 4),
            ("cold", "DRF", 6),
            ("cached", "DRF", 4),
            ("new", "FastAPI", 4),
        ]

    def test_results_of_another_scale_do_not_stay(self, file: Path, page: Path) -> None:
        ResultsFile(file).write([QUICK.told(result("cold"))])
        notes = notebook(file, page)
        notes.keep_others(ResultsFile(file).read())
        notes.add(result("cached"))
        assert [kept.work for kept in ResultsFile(file).read()] == ["cached"]


class TestRevision:
    def test_is_the_commit_and_whether_it_is_run_as_it_is(self, tmp_path: Path) -> None:
        revision = Revision(tmp_path)
        assert revision.name == ""
        for words in (
            "init --quiet",
            "-c user.name=a -c user.email=a@b commit --quiet --allow-empty -m first",
        ):
            subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
        commit = revision.name
        assert len(commit) >= 10
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "performance.md").write_text("measured")
        assert revision.name == commit
        (tmp_path / "backend").mkdir()
        (tmp_path / "backend" / "new.py").write_text("")
        assert revision.name == f"{commit}+"


class TestCommand:
    def test_writes_what_the_bench_wrote(self, file: Path, page: Path) -> None:
        notebook(file, page).add(result("cold"))
        written = page.read_text()
        page.write_text(f"before\n{BEGIN}\nby hand\n{END}\nafter\n")
        assert self._run(file, page) == 0
        assert page.read_text() == written

    def test_refuses_results_that_are_not_for_the_page(
        self, file: Path, page: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = page.read_text()
        assert self._run(file, page) == 1
        ResultsFile(file).write([QUICK.told(result("cold"))])
        assert self._run(file, page) == 1
        assert "the bench was quick, not full" in capsys.readouterr().err
        assert page.read_text() == before

    @staticmethod
    def _run(file: Path, page: Path) -> int:
        return Command().main(["--results", str(file), "--page", str(page)])
