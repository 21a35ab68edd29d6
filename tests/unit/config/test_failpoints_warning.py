import subprocess
import sys
from pathlib import Path

import pytest

from tests.uncovered import Uncovered


class TestFailpointsWarning:
    """Nobody runs with failpoints in earnest, and does not notice."""

    @pytest.mark.parametrize("entry_point", ["asgi", "worker"])
    def test_each_process_says_that_it_may_be_killed(
        self, entry_point: str, tmp_path: Path
    ) -> None:
        done = subprocess.run(
            [sys.executable, "-c", f"import backend.config.{entry_point}"],
            env=Uncovered.environment(FAILPOINTS_DIR=str(tmp_path)),
            capture_output=True,
            text=True,
            check=True,
        )
        assert "failpoints.armed" in done.stderr
        assert str(tmp_path) in done.stderr
