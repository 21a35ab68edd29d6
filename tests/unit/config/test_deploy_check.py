"""`manage.py check --deploy`: clean under production settings, and not blind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
            env={**os.environ, **static, "DEBUG": "false", **settings},
            capture_output=True,
            text=True,
            check=False,
        )


class TestDeployCheck:
    def test_production_is_clean(self) -> None:
        checked = DeployCheck.run()
        assert checked.returncode == 0, checked.stderr

    @pytest.mark.parametrize(
        ("name", "value", "found"),
        [
            ("DEBUG", "true", "security.W018"),
            ("SECRET_KEY", "x" * 60, "security.W009"),
            ("ALLOWED_HOSTS", "", "security.W020"),
        ],
    )
    def test_a_mistake_is_found(self, name: str, value: str, found: str) -> None:
        checked = DeployCheck.run(**{name: value})
        assert checked.returncode != 0
        assert found in checked.stderr
