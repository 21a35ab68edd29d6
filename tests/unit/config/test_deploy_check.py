"""`manage.py check --deploy`: clean under production settings, and not blind."""

import subprocess
import sys
from pathlib import Path

from tests.uncovered import Uncovered

PROJECT = Path(__file__).resolve().parents[3]


class DeployCheck:
    """Django's checks in a process of their own, under the static environment."""

    @staticmethod
    def run(**settings: str) -> subprocess.CompletedProcess[str]:
        lines = (PROJECT / "tests" / "static.env").read_text().splitlines()
        static = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        return subprocess.run(
            [
                *(sys.executable, "manage.py", "check", "--deploy"),
                *("--fail-level", "WARNING"),
            ],
            cwd=PROJECT,
            env=Uncovered.environment(**static | {"DEBUG": "false"} | settings),
            capture_output=True,
            text=True,
            check=False,
        )


class TestDeployCheck:
    def test_production_is_clean(self) -> None:
        checked = DeployCheck.run()
        assert checked.returncode == 0, checked.stderr

    def test_mistakes_are_found(self) -> None:
        """All at once: a process takes long to start."""
        checked = DeployCheck.run(DEBUG="true", SECRET_KEY="x" * 60, ALLOWED_HOSTS="")
        assert checked.returncode != 0
        for found in ("security.W018", "security.W009", "security.W020"):
            assert found in checked.stderr
