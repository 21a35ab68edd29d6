import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

from backend.fleet.kernel import Kernel
from backend.fleet.log import FleetLog
from backend.fleet.member import Member


class Fleet:
    """Keeps its members alive, each by itself, until it is told to stop.

    Signals are never handled, only waited for, so nothing is interrupted. The fleet is
    the reaper of all its descendants: it sees when no process of a member is left.
    """

    STOP = (signal.SIGTERM, signal.SIGINT)
    SIGNALS = (*STOP, signal.SIGCHLD)
    GRACE_SECONDS = 9.0
    LOOK_SECONDS = 0.5

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._deadline: float | None = None

    def run(self) -> int:
        """The exit code, when a signal has ended it and all that it had started.

        It ends by itself when the environment is wrong for all of its members.
        """
        Kernel.adopt_orphans()
        signal.pthread_sigmask(signal.SIG_BLOCK, self.SIGNALS)
        self._tend()
        while not self._is_over():
            self._wait()
            self._reap()
            self._tend()
        if self._deadline is not None:
            return os.EX_OK
        FleetLog.warn(
            "fleet.misconfigured", "no worker can start in this environment: see above."
        )
        return Member.MISCONFIGURED

    def _is_over(self) -> bool:
        if self._deadline is None:
            return all(member.is_given_up for member in self._members)
        return all(member.is_gone for member in self._members)

    def _tend(self) -> None:
        for member in self._members:
            member.clear()
            if self._deadline is None:
                member.start_if_due()
            elif time.monotonic() >= self._deadline:
                member.kill()

    def _wait(self) -> None:
        """Waits for a signal, or until it is time to check again."""
        heard = signal.sigtimedwait(self.SIGNALS, self.LOOK_SECONDS)
        if heard is not None and heard.si_signo in self.STOP:
            self._stop()

    def _stop(self) -> None:
        """A second signal means: do not wait."""
        if self._deadline is not None:
            self._deadline = time.monotonic()
            return
        self._deadline = time.monotonic() + self.GRACE_SECONDS
        for member in self._members:
            member.ask_to_end()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                for member in self._members:
                    member.note_end(*ended)
