"""No fault is forgotten, and what is said to try it is there."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.faults.matrix import LAST, MATRIX, UNUSED, Row
from tests.faults.selection import Selection
from tests.named_tests import ROOT, NamedTests


class TestMatrix:
    def test_each_number_is_there_once(self) -> None:
        numbers = [row.number for row in MATRIX]
        assert numbers == [n for n in range(1, LAST + 1) if n not in UNUSED]

    @pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"F{row.number}")
    def test_a_row_has_its_tests_or_a_reason(self, row: Row) -> None:
        assert bool(row.methods) != bool(row.absent)
        assert not (row.weaker and row.absent)
        assert NamedTests.missing(row.methods) == []


class TestSelection:
    """What is named in the matrix is what `make faults` runs."""

    def test_each_test_of_each_row_is_in_it_once(self) -> None:
        nodes = Selection.nodes()
        assert len(nodes) == len(set(nodes))
        for method in {method for row in MATRIX for method in row.methods}:
            file = method.partition("::")[0]
            folders = {str(parent) for parent in Path(file).parents}
            assert {method, file, *folders} & set(nodes), method

    def test_all_of_it_is_there(self) -> None:
        places = [node.partition("::")[0] for node in Selection.nodes()]
        assert [place for place in places if not (ROOT / place).exists()] == []

    @pytest.mark.parametrize("target", ["faults", "faults-all"])
    def test_the_target_runs_it(self, target: str) -> None:
        told = subprocess.run(
            ["make", "--dry-run", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        runs = r"tests=\$\(\S+ -m tests\.faults\.selection\) && .*-m pytest .*\$tests$"
        assert re.search(runs, told, re.MULTILINE)


class TestFailpoints:
    """Wherever our code can be made to die, a test has it die."""

    REACHED = re.compile(r'Failpoints\.reach\(\s*"([^"]+)"')

    def test_each_is_tried(self) -> None:
        reached = {
            name
            for path in (ROOT / "backend").rglob("*.py")
            for name in self.REACHED.findall(path.read_text())
        }
        cases = (ROOT / "tests" / "faults").glob("test_*.py")
        tried = "".join(path.read_text() for path in cases)
        assert reached
        assert {name for name in reached if f'"{name}"' not in tried} == set()
