import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from backend.embedded.process import ManagedProcess


class Leftovers:
    """What still lives of an earlier start of one process, found by a mark only we give.

    The mark is a variable in the environment. PostgreSQL and Redis write over theirs, but every server
    works in a folder of its own: a server program that works there is ours too. Guards of a launcher
    that was killed are asked to hurry, as they are ending their process already.
    """

    VARIABLE = "EMBEDDED_PROCESS"
    PATIENCE_SECONDS = 6.0
    LOOK_SECONDS = 0.05

    def __init__(
        self, process: ManagedProcess, mark: str, processes: Path = Path("/proc")
    ) -> None:
        self._process = process
        self._mark = f"{self.VARIABLE}={mark}".encode()
        self._processes = processes

    def end(self) -> None:
        """Return when nothing is left."""
        patience = min(self._process.stop_seconds, self.PATIENCE_SECONDS)
        self._ask(self._process.stop_signal)
        if self._are_gone_within(patience):
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._ask(number, guards=number == signal.SIGTERM)
            self._ask(signal.SIGKILL, guards=False)
            self._are_gone_within(2.0)
        self._ask(signal.SIGKILL, guards=True)
        self._are_gone_within(2.0)

    def find(self) -> list[int]:
        return [pid for pid in self._others() if self._is_ours(pid)]

    def _ask(self, number: int, guards: bool = False) -> None:
        for pid in self.find():
            if self._is_guard(pid) == guards:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def _are_gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.find():
            if time.monotonic() >= deadline:
                return False
            time.sleep(self.LOOK_SECONDS)
        return True

    def _others(self) -> Iterator[int]:
        for entry in self._processes.glob("[0-9]*"):
            if int(entry.name) != os.getpid():
                yield int(entry.name)

    def _is_ours(self, pid: int) -> bool:
        place = self._processes / str(pid)
        return self._read(
            lambda: self._is_marked(place) or self._works_in_folder(place)
        )

    def _is_marked(self, place: Path) -> bool:
        return self._mark in (place / "environ").read_bytes().split(b"\0")

    def _works_in_folder(self, place: Path) -> bool:
        program = self._process.program
        if program is None or self._target(place / "cwd") != self._process.folder:
            return False
        return self._target(place / "exe").name == program

    def _target(self, link: Path) -> Path:
        """Also works if the folder was removed under a running process."""
        return Path(str(link.readlink()).removesuffix(" (deleted)"))

    def _is_guard(self, pid: int) -> bool:
        arguments = self._processes / str(pid) / "cmdline"
        return self._read(lambda: b"guard.py\0" in arguments.read_bytes())

    def _read(self, question: Callable[[], bool]) -> bool:
        """Processes of others, and those that have just ended, are not ours."""
        try:
            return question()
        except OSError:
            return False
