"""No fault is forgotten, and what is said to try it is there."""

import re

import pytest

from tests.faults.matrix import LAST, MATRIX, UNUSED, Row
from tests.named_tests import ROOT, NamedTests


class TestMatrix:
    def test_each_number_is_there_once(self) -> None:
        numbers = [row.number for row in MATRIX]
        assert numbers == [n for n in range(1, LAST + 1) if n not in UNUSED]

    @pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"F{row.number}")
    def test_a_row_has_its_tests_or_a_reason(self, row: Row) -> None:
        assert bool(row.methods) != bool(row.absent)
        assert NamedTests.missing(row.methods) == []


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
