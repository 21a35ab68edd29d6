"""Run one process so that nothing of it outlives the process that requested it.

The supervisor starts this file as a script, without site-packages, once for every
process. It is the parent of that process and the reaper of all its descendants. When
the supervisor asks, or is gone in whatever way, the process is asked to end, is killed
after its grace, and so is everything it left.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Kernel:
    """The few Linux calls that the standard library lacks; elsewhere they do nothing."""

    PR_SET_PDEATHSIG = 1
    PR_SET_KEEPCAPS = 8
    PR_SET_SECUREBITS = 28
    SECBIT_NO_SETUID_FIXUP, SECBIT_KEEP_CAPS = 1 << 2, 1 << 4
    PR_SET_CHILD_SUBREAPER = 36
    PR_SET_NO_NEW_PRIVS = 38
    PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
    CAPABILITY_VERSION_3 = 0x20080522

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._is_linux = sys.platform == "linux"

    def control(self, option: int, *values: int) -> None:
        if self._is_linux and self._libc.prctl(option, *(*values, 0, 0, 0, 0)[:4]):
            raise OSError(ctypes.get_errno(), f"prctl {option} was refused")

    def let_capabilities_count(self) -> None:
        """Let a change of user take none away, and let access(2) respect those of the
        new user.

        Without the first bit access(2) ignores capabilities of non-root users, and
        initdb calls it. The bits last, so set-user-id programs, which rely on that
        change, are closed to all that follows. Where even root may not set them, the
        capability still counts for everything but access(2).
        """
        bits = self.SECBIT_NO_SETUID_FIXUP | self.SECBIT_KEEP_CAPS
        try:
            self.control(self.PR_SET_SECUREBITS, bits)
        except PermissionError:
            self.control(self.PR_SET_KEEPCAPS, 1)
        self.control(self.PR_SET_NO_NEW_PRIVS, 1)

    def keep_only(self, capability: int) -> None:
        """Make `capability` the only one, and let it survive the coming exec."""
        header = (ctypes.c_uint32 * 2)(self.CAPABILITY_VERSION_3, 0)
        bits = 1 << capability
        sets = (ctypes.c_uint32 * 6)(bits, bits, bits, 0, 0, 0)
        if self._libc.capset(header, sets):
            raise OSError(ctypes.get_errno(), "the capability was refused")
        self.control(self.PR_CAP_AMBIENT, self.PR_CAP_AMBIENT_RAISE, capability)


class Identity:
    """The account a process runs as, and the one capability it keeps of root, if any.

    PostgreSQL refuses to be root, but a root user's checkout is often below a private folder such as
    /root, which other accounts cannot enter without one.
    """

    CAP_DAC_OVERRIDE = 1
    CAP_DAC_READ_SEARCH = 2

    def __init__(self, uid: int, gid: int, capability: int | None) -> None:
        self._uid = uid
        self._gid = gid
        self._capability = capability

    def assume(self, kernel: Kernel) -> None:
        capability = self._permitted()
        if capability is not None:
            kernel.let_capabilities_count()
        os.setgroups([])
        os.setresgid(self._gid, self._gid, self._gid)
        os.setresuid(self._uid, self._uid, self._uid)
        if capability is not None:
            kernel.keep_only(capability)

    def _permitted(self) -> int | None:
        """The wanted capability, or the stronger one where (as in Docker) only that is left."""
        if self._capability is None:
            return None
        status = Path("/proc/self/status").read_text()
        permitted = int(status.split("CapPrm:")[1].split()[0], 16)
        has_it = permitted >> self._capability & 1
        return self._capability if has_it else self.CAP_DAC_OVERRIDE


class Guard:
    """Parent of one process: starts it, passes the wish to stop on, and leaves nothing behind."""

    LOOK_SECONDS = 0.5
    KILL_SECONDS = 10.0
    IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
    HANDLED = (signal.SIGCHLD, signal.SIGTERM, *IGNORED)

    def __init__(self, order: dict[str, Any], kernel: Kernel) -> None:
        self._command: list[str] = order["command"]
        self._folder: str = order["folder"]
        self._pid_file = Path(order["pid_file"])
        self._supervisor: int = order["supervisor"]
        self._stop_signal: int = order["stop_signal"]
        self._stop_seconds: float = order["stop_seconds"]
        self._identity = Identity(**order["identity"]) if order["identity"] else None
        self._kernel = kernel
        self._child = 0
        self._status: int | None = None
        self._deadline: float | None = None
        self._hears_supervisor = True

    def run(self) -> int:
        """Stay until the process and all its descendants are gone; answer its exit code."""
        self._kernel.control(self._kernel.PR_SET_CHILD_SUBREAPER, 1)
        wakeup = self._listen()
        guard = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, self.HANDLED)
        self._child = os.fork()
        if self._child == 0:
            self._become(guard)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.HANDLED)
        self._write_pid()
        while self._status is None:
            self._attend(wakeup)
            self._reap()
        self._end_descendants()
        self._forget_pid()
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    def _listen(self) -> int:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._stop(self._stop_seconds))
        for number in self.IGNORED:
            signal.signal(number, signal.SIG_IGN)
        return reader

    def _become(self, guard: int) -> None:
        """In the new process: turn into the wanted program, or say in one line why not.

        Signals were held back until here, so that a wish to stop that comes early is not lost.
        """
        try:
            os.setsid()
            for number in self.HANDLED:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self.HANDLED)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(self._folder)
            if self._identity is not None:
                self._identity.assume(self._kernel)
            self._die_with_guard(guard)
            os.execvp(self._command[0], self._command)  # noqa: S606
        except OSError as error:
            sys.stderr.write(f"cannot start {self._command[0]}: {error}\n")
            sys.stderr.flush()
        os._exit(127)

    def _die_with_guard(self, guard: int) -> None:
        """PostgreSQL is asked for a fast shutdown even then; the others get the signal nothing ignores."""
        fast = self._stop_signal == signal.SIGINT
        self._kernel.control(
            self._kernel.PR_SET_PDEATHSIG, signal.SIGINT if fast else signal.SIGKILL
        )
        if os.getppid() != guard:
            os._exit(127)

    def _write_pid(self) -> None:
        draft = self._pid_file.with_suffix(".new")
        draft.write_text(f"{self._child}\n")
        draft.replace(self._pid_file)

    def _forget_pid(self) -> None:
        with contextlib.suppress(OSError):
            if self._pid_file.read_text() == f"{self._child}\n":
                self._pid_file.unlink()

    def _attend(self, wakeup: int) -> None:
        """Wait for a word of the supervisor, its end, a signal or the deadline."""
        sources = [wakeup, 0] if self._hears_supervisor else [wakeup]
        ready, _, _ = select.select(sources, [], [], self._patience())
        if wakeup in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wakeup, 4096)
        if 0 in ready:
            self._hear(os.read(0, 4096))
        if os.getppid() != self._supervisor:
            self._stop(self._stop_seconds)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._kill_group()

    def _hear(self, words: bytes) -> None:
        """Each line is the grace in seconds; the end of the pipe is the end of the supervisor."""
        self._hears_supervisor = bool(words)
        self._stop(min(map(float, words.split()), default=self._stop_seconds))

    def _patience(self) -> float:
        if self._deadline is None:
            return self.LOOK_SECONDS
        return min(max(self._deadline - time.monotonic(), 0.02), self.LOOK_SECONDS)

    def _stop(self, seconds: float) -> None:
        """A later wish can only shorten the grace; the stop signal is sent once."""
        deadline = time.monotonic() + seconds
        if self._deadline is None and self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, self._stop_signal)
        self._deadline = min(deadline, self._deadline or deadline)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child, signal.SIGKILL)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._child:
                    self._status = status

    def _end_descendants(self) -> None:
        """We are the reaper of everything the process left: kill until nothing is
        left."""
        self._kill_group()
        deadline = time.monotonic() + self.KILL_SECONDS
        while time.monotonic() < deadline and self._has_children():
            for pid in self._children():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def _has_children(self) -> bool:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return False
        return True

    def _children(self) -> Iterator[int]:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                    yield int(stat.parent.name)


if __name__ == "__main__":
    sys.exit(Guard(json.loads(sys.argv[1]), Kernel()).run())
