"""Processes that are made to stand still."""

import os
import signal
import time
from pathlib import Path

STILL = frozenset("TtZX")


class Frozen:
    """SIGSTOP is only asked for: a thread that has a processor works on for a while."""

    PATIENCE_SECONDS = 30.0

    @classmethod
    def stop(cls, pid: int) -> None:
        """Returns when no thread of it can do anything any more.

        Raises `ProcessLookupError` if there is no such process.
        """
        os.kill(pid, signal.SIGSTOP)
        deadline = time.monotonic() + cls.PATIENCE_SECONDS
        while not cls._is_still(pid):
            assert time.monotonic() < deadline, f"{pid} does not stand still"
            time.sleep(0.001)

    @staticmethod
    def go_on(pid: int) -> None:
        os.kill(pid, signal.SIGCONT)

    @classmethod
    def _is_still(cls, pid: int) -> bool:
        return all(
            cls._state(task) in STILL for task in Path(f"/proc/{pid}/task").iterdir()
        )

    @staticmethod
    def _state(task: Path) -> str:
        """One letter; of a thread that has ended meanwhile X."""
        try:
            return (task / "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "X"
