import os
import signal
import time
from contextlib import suppress
from typing import NoReturn

from backend.fleet.backoff import Backoff
from backend.fleet.kernel import Kernel
from backend.fleet.log import FleetLog


class Member:
    """One master of dramatiq with its process, in a process group of their own.

    Started by a single thread, with which it ends in whatever way that ends.
    """

    MISCONFIGURED = os.EX_CONFIG

    def __init__(self, command: list[str], backoff: Backoff) -> None:
        self._command = command
        self._backoff = backoff
        self._group: int | None = None
        self._has_ended = False
        self._is_misconfigured = False
        self._since = 0.0
        self._due = 0.0

    @property
    def is_gone(self) -> bool:
        """No process of its group is left."""
        return self._group is None

    @property
    def is_given_up(self) -> bool:
        """It found its environment wrong, which a restart would not change."""
        return self._is_misconfigured and self.is_gone

    def start_if_due(self) -> None:
        if (
            self.is_gone
            and not self._is_misconfigured
            and time.monotonic() >= self._due
        ):
            self._start()

    def ask_to_end(self) -> None:
        """The master tells its process, and gives its job back."""
        if self._group is not None and not self._has_ended:
            os.kill(self._group, signal.SIGTERM)

    def note_end(self, pid: int, status: int) -> None:
        """A process was reaped: perhaps the master, and then it is started again later."""
        if pid != self._group or self._has_ended:
            return
        self._has_ended = True
        delay = self._backoff.after(time.monotonic() - self._since)
        self._due = time.monotonic() + delay
        code = os.waitstatus_to_exitcode(status)
        self._is_misconfigured = code == self.MISCONFIGURED
        what_next = " It is not started again." if self._is_misconfigured else ""
        FleetLog.warn(
            "fleet.worker_ended",
            f"worker {pid} has ended ({code}).{what_next}",
            worker=pid,
            code=code,
            started_again=not self._is_misconfigured,
        )

    def clear(self) -> None:
        """Kill what an ended master has left behind."""
        if self._has_ended:
            self.kill()

    def kill(self) -> None:
        """Needs to be called again, when the dead have been reaped, to see that it is gone."""
        if self._group is None:
            return
        try:
            os.killpg(self._group, signal.SIGKILL)
        except ProcessLookupError:
            self._group = None

    def _start(self) -> None:
        fleet = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(fleet)
        # Both do it, for either may be first.
        with suppress(OSError):
            os.setpgid(pid, pid)
        self._group, self._has_ended = pid, False
        self._since = time.monotonic()

    def _become(self, fleet: int) -> NoReturn:
        """In the new process: turn into the command, or say in one line why not."""
        try:
            os.setpgid(0, 0)
            Kernel.end_with_parent(lambda: os.getppid() == fleet)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            os.execvp(self._command[0], self._command)  # noqa: S606
        except OSError as error:
            FleetLog.warn(
                "fleet.not_started",
                f"cannot start {self._command[0]}: {error}",
                reason=str(error),
            )
        os._exit(127)
