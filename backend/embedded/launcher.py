import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from backend.embedded import guard
from backend.embedded.errors import StartFailed
from backend.embedded.folders import DataFolder
from backend.embedded.leftovers import Leftovers
from backend.embedded.ports import Listener
from backend.embedded.process import ManagedProcess, Program


class Command(Program):
    """Something that runs once and ends by itself."""


class Launched:
    """One start of a process: its guard, and what it has written since."""

    EXCERPT_LINES = 5

    def __init__(
        self,
        process: ManagedProcess,
        popen: "subprocess.Popen[bytes]",
        log: Path,
        offset: int,
    ) -> None:
        self._process = process
        self._guard = popen
        self._log = log
        self._offset = offset

    @property
    def guard_pid(self) -> int:
        return self._guard.pid

    def ended(self) -> int | None:
        return self._guard.poll()

    def wait(self) -> int:
        return self._guard.wait()

    def wait_at_most(self, seconds: float) -> None:
        """Wait for its guard, and end a guard that does not come to an end."""
        try:
            self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self.close()

    def stop(self, seconds: float) -> None:
        """Ask its guard to end it within the given seconds; a second call can only
        shorten them."""
        with contextlib.suppress(
            OSError, ValueError
        ):  # The guard has gone, and with it the process.
            self._pipe.write(f"{seconds}\n".encode())

    def close(self) -> None:
        """Give up the pipe to an ended guard."""
        self._pipe.close()

    @property
    def _pipe(self) -> IO[bytes]:
        if self._guard.stdin is None:
            raise ValueError("The guard was started without a pipe.")
        return self._guard.stdin

    def failure(self, reason: str) -> StartFailed:
        """The error for a start that did not succeed, explained by what the process wrote."""
        output = self._output()
        if sentence := self._process.explain(output):
            return StartFailed(sentence)
        lines = [line for line in output.splitlines() if line.strip()]
        excerpt = "\n  ".join(["", *lines[-self.EXCERPT_LINES :]])
        return StartFailed(f"{self._process.name} {reason}; see {self._log}.{excerpt}")

    def _output(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._offset)
            return log.read()[-20_000:].decode(errors="replace")


class Launcher:
    """Starts processes under guards, after whatever is left of an earlier start of them has ended."""

    LONGEST_LOG = 10_000_000
    GUARD_SECONDS = 12.0

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self.has_launched = False

    def clear(self, process: ManagedProcess) -> None:
        """End what is left of it; a port that is taken even then is a `PortTaken`."""
        Leftovers(process, self._mark(process)).end()
        for port, variable in process.ports.items():
            Listener(port).require_free(process.name, variable)

    def launch(self, process: ManagedProcess) -> Launched:
        self.clear(process)
        process.prepare()
        return self._start(process, {Leftovers.VARIABLE: self._mark(process)})

    def complete(self, process: ManagedProcess) -> None:
        """Run it to its end; one that fails is a `StartFailed`."""
        launched = self.launch(process)
        try:
            if code := launched.wait():
                raise launched.failure(f"failed with exit code {code}")
        finally:
            launched.stop(1.0)
            launched.wait_at_most(1.0 + self.GUARD_SECONDS)

    def _mark(self, process: ManagedProcess) -> str:
        return str(self._folder.pid_file(process.name))

    def _start(self, process: ManagedProcess, mark: Mapping[str, str]) -> Launched:
        self.has_launched = True
        log = self._rotated(self._folder.log_file(process.name))
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 - the command is ours
                [
                    sys.executable,
                    "-I",
                    "-S",
                    guard.__file__,
                    json.dumps(self._order(process)),
                ],
                stdin=subprocess.PIPE,
                bufsize=0,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**process.environment(), **mark},
                start_new_session=True,
            )
            return Launched(process, popen, log, output.tell())

    def _order(self, process: ManagedProcess) -> dict[str, object]:
        account = process.account
        return {
            "command": list(process.command()),
            "folder": str(process.folder),
            "pid_file": str(self._folder.pid_file(process.name)),
            "supervisor": os.getpid(),
            "stop_signal": int(process.stop_signal),
            "stop_seconds": process.stop_seconds,
            "identity": account and dataclasses.asdict(account),
        }

    def _rotated(self, log: Path) -> Path:
        """Keep one older file; a log never grows over several runs without end."""
        if log.exists() and log.stat().st_size > self.LONGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        return log
