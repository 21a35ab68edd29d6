import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Protocol

from backend.embedded.errors import EmbeddedError, StartFailed
from backend.embedded.launcher import Launched, Launcher
from backend.embedded.ports import PortPlan
from backend.embedded.process import ManagedProcess
from backend.fleet.backoff import Backoff


class Announcer(Protocol):
    """Reports progress to a person, one sentence at a time."""

    def say(self, sentence: str) -> None: ...


class Silence:
    """An announcer for tests."""

    def say(self, sentence: str) -> None:
        """Ignores the message."""


class Stopped(Exception):
    """It was stopped while it started."""


class SupervisedProcess:
    """One process that is started, watched, started again when it dies, and stopped."""

    LOOK_SECONDS = 0.05
    GUARD_SECONDS = 12.0

    def __init__(
        self,
        process: ManagedProcess,
        launcher: Launcher,
        announcer: Announcer,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._process = process
        self._launcher = launcher
        self._announcer = announcer
        self._backoff = backoff
        self._stopping = threading.Event()
        self._launching = threading.Lock()
        self._launched: Launched | None = None
        self._watcher: threading.Thread | None = None

    def plan(self, ports: PortPlan) -> None:
        ports.add(self._process.name, self._process.ports)

    def clear(self) -> None:
        """End what is left of an earlier run, and see that no port is taken."""
        self._launcher.clear(self._process)

    def start(self) -> None:
        """Return when it is healthy; raise `StartFailed` if it ends or takes too long."""
        began = time.monotonic()
        launched = self._bring_up()
        self._announcer.say(
            f"{self._process.name} is ready after {time.monotonic() - began:.1f} s."
        )
        self._watcher = threading.Thread(
            target=self._watch,
            args=[launched],
            name=f"watch-{self._process.name}",
            daemon=True,
        )
        self._watcher.start()

    def stop(self, seconds: float | None = None) -> None:
        """Ask it to end, have it killed after the grace, and return when nothing of it is left."""
        self._stopping.set()
        grace = self._process.stop_seconds
        grace = grace if seconds is None else min(grace, max(seconds, 0.0))
        with self._launching:
            launched = self._launched
        if launched is not None:
            launched.stop(grace)
            launched.wait_at_most(grace + self.GUARD_SECONDS)
            self._process.finish()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        self._launched = None

    def give_up(self) -> None:
        """Let a start that is under way end as `Stopped`."""
        self._stopping.set()

    def hurry(self) -> None:
        """Have it killed at once."""
        if self._launched is not None:
            self._launched.stop(0.0)

    def start_again(self) -> None:
        """Start it after a `stop`."""
        self._stopping.clear()
        self.start()

    def _bring_up(self) -> Launched:
        with self._launching:
            if self._stopping.is_set():
                raise Stopped
            self._launched = launched = self._launcher.launch(self._process)
        try:
            self._await_health(launched)
        except EmbeddedError:
            launched.stop(self._process.stop_seconds)
            launched.wait_at_most(self._process.stop_seconds + self.GUARD_SECONDS)
            raise
        return launched

    def _await_health(self, launched: Launched) -> None:
        deadline = time.monotonic() + self._process.start_seconds
        while not self._process.is_healthy():
            if self._stopping.wait(self.LOOK_SECONDS):
                raise Stopped
            if (code := launched.ended()) is not None:
                raise launched.failure(f"{self._manner(code)} while it started")
            if time.monotonic() >= deadline:
                raise launched.failure(
                    f"was not ready within {self._process.start_seconds:.0f} s"
                )

    def _watch(self, launched: Launched) -> None:
        backoff = self._backoff()
        while True:
            since = time.monotonic()
            code = launched.wait()
            launched.close()
            if self._stopping.is_set():
                return
            again = self._bring_back(
                self._manner(code), backoff, time.monotonic() - since
            )
            if again is None:
                return
            launched = again

    def _bring_back(
        self, happened: str, backoff: Backoff, lived: float
    ) -> Launched | None:
        """Start it again, as often as it takes; None when it was stopped meanwhile."""
        name = self._process.name
        while True:
            delay = backoff.after(lived)
            self._announcer.say(
                f"{name} {happened}; it is started again in {delay:.1f} s."
            )
            if self._stopping.wait(delay):
                return None
            began = time.monotonic()
            try:
                launched = self._bring_up()
            except Stopped:
                return None
            except (EmbeddedError, OSError) as error:
                happened, lived = f"did not come back: {error}", 0.0
            else:
                self._announcer.say(
                    f"{name} is back after {time.monotonic() - began:.1f} s."
                )
                return launched

    def _manner(self, code: int) -> str:
        """A guard reports the signal that ended its process as a shell does."""
        number = -code if code < 0 else code - 128
        if 0 < number < signal.NSIG:
            return f"was ended by signal {number}"
        return f"ended with exit code {code}"


class Supervisor:
    """Processes that start in parallel and stop together."""

    def __init__(
        self,
        processes: Sequence[ManagedProcess],
        launcher: Launcher,
        announcer: Announcer,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._processes = {
            process.name: SupervisedProcess(process, launcher, announcer, backoff)
            for process in processes
        }

    def plan(self, ports: PortPlan) -> None:
        """Raise `PortTaken` if two of them, or of those planned before, share a port."""
        for process in self._processes.values():
            process.plan(ports)

    def clear(self) -> None:
        """End what is left of earlier runs, and see that no port is taken."""
        if not self._processes:
            return
        with ThreadPoolExecutor(len(self._processes)) as pool:
            list(pool.map(SupervisedProcess.clear, self._processes.values()))

    def start(self) -> None:
        """Start all; if one fails, stop the others and raise its error."""
        if not self._processes:
            return
        self.clear()
        with ThreadPoolExecutor(len(self._processes)) as pool:
            starts = [
                pool.submit(process.start) for process in self._processes.values()
            ]
            try:
                for start in as_completed(starts):
                    start.result()
            except BaseException:
                self._abandon()
                raise

    def stop(self, seconds: float | None = None) -> None:
        """Stop all; those that take longer than `seconds` are killed."""
        if not self._processes:
            return
        with ThreadPoolExecutor(len(self._processes)) as pool:
            list(
                pool.map(
                    lambda process: process.stop(seconds), self._processes.values()
                )
            )

    def hurry(self) -> None:
        for process in self._processes.values():
            process.hurry()

    def process(self, name: str) -> SupervisedProcess:
        if name not in self._processes:
            raise StartFailed(
                f"{name} is not one of our processes; its address was given."
            )
        return self._processes[name]

    def __contains__(self, name: object) -> bool:
        return name in self._processes

    def _abandon(self) -> None:
        """Let starts that are still under way give up, then stop what runs."""
        for process in self._processes.values():
            process.give_up()
        self.stop()
