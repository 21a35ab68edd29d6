"""What the Makefile hands on, seen with a stand-in of the interpreter."""

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


class StandInEnvironment:
    """A virtual environment whose python prints its arguments, and a warning as setuptools does."""

    PYTHON = '#!/bin/sh\nprintf "<%s>" "$@"\necho noise >&2\nexit "${RESULT:-0}"\n'

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "bin").mkdir()
        for name in ("python", "pip"):
            (folder / "bin" / name).write_text(self.PYTHON)
            (folder / "bin" / name).chmod(0o755)

    def make(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["make", f"VENV={self._folder}", *words],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], **variables},
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.fixture
def environment(tmp_path: Path) -> StandInEnvironment:
    return StandInEnvironment(tmp_path)


class TestDemo:
    NAME = "a$HOME $(shell echo x) 'b\".mp4"

    def test_a_name_is_handed_on_as_it_was_typed(
        self, environment: StandInEnvironment, tmp_path: Path
    ) -> None:
        (tmp_path / ".installed").touch()
        typed = environment.make("demo", f"VIDEO={self.NAME}")
        assert f"<--video><{self.NAME}>" in typed.stdout, typed.stderr
        inherited = environment.make("demo", VIDEO=self.NAME)
        assert f"<--video><{self.NAME}>" in inherited.stdout

    def test_without_one_it_is_empty(
        self, environment: StandInEnvironment, tmp_path: Path
    ) -> None:
        (tmp_path / ".installed").touch()
        assert "<--video><>" in environment.make("demo").stdout


class TestInstall:
    def test_what_the_build_says_is_shown_only_when_it_fails(
        self, environment: StandInEnvironment, tmp_path: Path
    ) -> None:
        made = environment.make(str(tmp_path / ".installed"))
        assert made.returncode == 0
        first, *others = made.stderr.splitlines()
        assert "this once" in first
        assert others == ["noise"]  # Of the wheels, which is not silenced.
        assert "noise" in (tmp_path / "build.log").read_text()
