import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from backend.embedded.console import Console, LogFollower
from backend.embedded.folders import DataFolder
from backend.embedded.stack import EmbeddedStack


class Interrupted(Exception):
    """A signal asked us to end."""


class Signals:
    """Turns the first Ctrl-C, SIGTERM or hang-up into `Interrupted`, a later Ctrl-C into haste.

    One wish to stop may come as several signals: a group's SIGTERM also comes by way of make, whose end
    is one more. So only what a person does on purpose means haste: a Ctrl-C, and not right after the
    first signal, as some programs send two.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ECHO_SECONDS = 0.5

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack
        self._asked_at: float | None = None

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self._handle) for number in self.NUMBERS
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self) -> None:
        """From here on nothing interrupts, but may mean haste: the end is under way."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            raise Interrupted
        is_echo = time.monotonic() - self._asked_at < self.ECHO_SECONDS
        if number == signal.SIGINT and not is_echo:
            self._stack.hurry()


class Parent:
    """Lets this process be told when `make`, which started it, is killed."""

    PR_SET_PDEATHSIG = 1

    def follow(self) -> None:
        if sys.platform == "linux":
            parent = os.getppid()
            ctypes.CDLL(None).prctl(self.PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)


class Terminal:
    """Passes the end of a terminal on, where only make is told, as it is the terminal's first process.

    Where a shell stands between them, that decides who hears of it.
    """

    LOOK_MILLISECONDS = 1000

    def follow(self) -> None:
        if sys.stdin and sys.stdin.isatty() and os.getsid(0) == os.getpgrp():
            threading.Thread(target=self._watch, name="terminal", daemon=True).start()

    def _watch(self) -> None:
        """A hang-up is reported by default."""
        terminal = select.poll()
        terminal.register(sys.stdin.fileno(), 0)
        while not terminal.poll(self.LOOK_MILLISECONDS):
            pass
        os.kill(os.getpid(), signal.SIGHUP)


class RunningStack:
    """A stack that is up while one is inside, and is ended in order however one leaves."""

    def __init__(self, stack: EmbeddedStack, console: Console, purpose: str) -> None:
        self._stack = stack
        self._console = console
        self._purpose = purpose

    @contextlib.contextmanager
    def up(self) -> Iterator[EmbeddedStack]:
        signals = Signals(self._stack)
        with (
            self._stack.data.locked(self._purpose, self._stack.address),
            signals.handled(),
        ):
            try:
                self._stack.start()
                yield self._stack
            finally:
                signals.end()
                self._stop()

    def _stop(self) -> None:
        """Silent if nothing had been started."""
        if not self._stack.servers.launcher.has_launched:
            return
        self._console.say("Stopping (Ctrl-C again kills) ...")
        self._stack.stop()
        self._console.say("Everything has stopped.")


class DemoAccounts:
    """The accounts that were made for trying the system out."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data

    def read(self) -> dict[str, dict[str, str]]:
        accounts: dict[str, dict[str, str]] = json.loads(
            self._data.demo_accounts.read_text()
        )
        return accounts


class Run:
    """`make run`: the whole system in the foreground."""

    FOLLOWED = ("api", "worker")

    def __init__(self, stack: EmbeddedStack, console: Console) -> None:
        self._stack = stack
        self._console = console

    def execute(self) -> int:
        followers = [
            LogFollower(name, self._stack.data.log_file(name), self._console)
            for name in self.FOLLOWED
        ]
        try:
            with RunningStack(self._stack, self._console, "run").up():
                for follower in followers:
                    follower.start()
                self._introduce()
                while True:
                    signal.pause()
        except Interrupted:
            return 0
        finally:
            for follower in followers:
                follower.stop()

    def _introduce(self) -> None:
        self._console.say(f"\nSwagger UI: {self._stack.address}/docs")
        self._console.say(f"Admin site: {self._stack.address}/admin/")
        for role, account in DemoAccounts(self._stack.data).read().items():
            self._console.say(f"  {role:<15} {account['email']}  {account['password']}")
        self._console.say(
            f"Data is kept in {self._stack.data.root}. Ctrl-C stops everything.\n"
        )
