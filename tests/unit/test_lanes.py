"""Tests that must not run beside each other are found under the names they have."""

from pathlib import Path

import pytest

from tests.lanes import Lanes

PROJECT = Path(__file__).parents[2]


class TestLanes:
    @pytest.mark.parametrize("start", [start for start, _ in Lanes.LANES])
    def test_each_is_about_files_that_are_there(self, start: str) -> None:
        path, _, name = start.partition("::")
        assert list(PROJECT.glob(f"{path}*"))
        assert not name or f"class {name}:" in (PROJECT / path).read_text()
