import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from pathlib import Path
from backend.use_cases.failpoints import Failpoints
Failpoints.arm(Path(sys.argv[1]) if sys.argv[1] else None)
Failpoints.reach("publish.stored", "a")
print("alive")
"""


class TestFailpoints:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path

    def test_nothing_happens_without_a_folder(self) -> None:
        assert self._run("") == "alive"

    def test_nothing_happens_where_no_test_wants_it(self, folder: Path) -> None:
        (folder / "extract.saved").touch()
        (folder / "publish.stored@b").touch()
        assert self._run(folder) == "alive"

    @pytest.mark.parametrize("name", ["publish.stored", "publish.stored@a"])
    def test_the_first_who_gets_there_dies(self, folder: Path, name: str) -> None:
        (folder / name).touch()
        assert [self._run(folder) for _ in range(2)] == ["killed", "alive"]

    def test_everybody_dies(self, folder: Path) -> None:
        (folder / "publish.stored").write_text("always")
        assert [self._run(folder) for _ in range(2)] == ["killed", "killed"]

    @staticmethod
    def _run(folder: Path | str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(folder)], capture_output=True, text=True
        )
        return "killed" if done.returncode == -9 else done.stdout.strip()
