"""Takes processes of a running stack away, in every way a process can be away."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil

from backend.embedded.stack import EmbeddedStack, Liveness
from tests.frozen import Frozen

SERVERS = ("postgres", "mongo", "redis", "s3")


def until(seen: Callable[[], bool], seconds: float, what: str) -> float:
    """Look until it is seen; answers after how many seconds, or fails."""
    began = time.monotonic()
    while not seen():
        waited = time.monotonic() - began
        assert waited < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)
    return time.monotonic() - began


class Faults:
    """Stops, freezes and kills processes of one stack, and knows when they are back.

    Every process is the leader of a session of its own; what it started (PostgreSQL's
    backends have sessions of their own too) is found as its descendants.
    """

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Ended in good order, and started again after the block."""
        self._stack.stop_process(name)
        try:
            yield
        finally:
            self._stack.start_process(name)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """There and silent: its ports take connections that nobody serves."""
        family = self._freeze(self.pid(name))
        try:
            yield
        finally:
            for process in family:
                self._signal(process, signal.SIGCONT)

    def kill(self, name: str) -> int:
        """kill -9 to the process and all it started; answers what its pid was."""
        pid = self.pid(name)
        for process in self._freeze(pid):
            self._signal(process, signal.SIGKILL)
        return pid

    def ask_to_end(self, name: str) -> int:
        """SIGTERM to the process itself, as an orchestrator sends it."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGTERM)
        return pid

    def ask_all_to_end(self, name: str) -> int:
        """SIGTERM to all it started as well, as systemd sends it by default."""
        pid = self.pid(name)
        process = psutil.Process(pid)
        for member in [process, *process.children(recursive=True)]:
            self._signal(member, signal.SIGTERM)
        return pid

    def pid(self, name: str) -> int:
        pid = self._stack.pid(name)
        assert pid is not None, f"{name} does not run"
        return pid

    def until_gone(self, pid: int, seconds: float) -> float:
        return until(lambda: not psutil.pid_exists(pid), seconds, f"{pid} is gone")

    def until_back(self, name: str, old_pid: int, seconds: float) -> float:
        """Once the supervisor has started it again and it does its work."""

        def is_back() -> bool:
            pid = self._stack.pid(name)
            return pid not in (None, old_pid) and self._is_healthy(name)

        return until(is_back, seconds, f"{name} is back")

    def _is_healthy(self, name: str) -> bool:
        if name == "api":
            return Liveness(self._stack.address).is_live()
        servers = {server.name: server for server in self._stack.servers.servers}
        return name not in servers or servers[name].is_healthy()

    def _freeze(self, pid: int) -> list[psutil.Process]:
        """The parent first, so that it starts no more; answers who was found."""
        frozen: list[psutil.Process] = []
        found = [psutil.Process(pid)]
        while found:
            for process in found:
                with suppress(ProcessLookupError, FileNotFoundError):
                    Frozen.stop(process.pid)
            frozen += found
            family = [frozen[0], *frozen[0].children(recursive=True)]
            found = [process for process in family if process not in frozen]
        return frozen

    @staticmethod
    def _signal(process: psutil.Process, number: signal.Signals) -> None:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
