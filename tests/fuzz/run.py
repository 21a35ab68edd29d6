"""Runs schemathesis against a stack of its own: `python -m tests.fuzz.run`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from backend.embedded.stack import EmbeddedStack
from tests.e2e.conftest import running_stack
from tests.fuzz.aftermath import Aftermath
from tests.fuzz.refused import RefusedRequests

ROOT = Path(__file__).resolve().parents[2]


class FuzzRun:
    """`FUZZ_SECONDS` says how long to send, `FUZZ_SEED` which run to repeat."""

    SECONDS = os.environ.get("FUZZ_SECONDS", "300")
    SEED = os.environ.get("FUZZ_SEED")

    def __init__(self, stack: EmbeddedStack, folder: Path) -> None:
        self._stack = stack
        self._refused = folder / "refused"

    def execute(self) -> int:
        """The exit code: 0 if nothing is wrong."""
        aftermath = Aftermath(self._stack, RefusedRequests(self._refused))
        # Its words are its own: how many requests, what failed, how to send it again.
        failed = subprocess.run(
            self._command(), cwd=ROOT, env=self._environment(), check=False
        ).returncode
        complaints = aftermath.complaints()
        print(f"Afterwards: {aftermath.counts()}.")  # noqa: T201
        for complaint in complaints:
            print(f"WRONG: {complaint}")  # noqa: T201
        return 1 if failed or complaints else 0

    def _command(self) -> list[str]:
        options = ["--max-time", self.SECONDS, "--no-color"]
        if self.SEED:
            options += ["--seed", self.SEED]
        return [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(ROOT / "tests" / "fuzz" / "schemathesis.toml")),
            *("run", f"{self._stack.address}/openapi.json"),
            *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
            *options,
        ]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self._stack.servers.environment(),
            "PYTHONPATH": str(ROOT),
            "FUZZ_URL": self._stack.address,
            "FUZZ_ACCOUNTS": str(self._stack.data.demo_accounts),
            "FUZZ_REFUSED": str(self._refused),
        }


if __name__ == "__main__":
    with running_stack(durable=False) as stack, tempfile.TemporaryDirectory() as folder:
        sys.exit(FuzzRun(stack, Path(folder)).execute())
