import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """Who a process runs as, when that is not the launcher's own user."""

    uid: int
    gid: int
    capability: int | None = None


class ManagedProcess(ABC):
    """What the supervisor has to know of one process; it keeps no state of a run."""

    name: str
    stop_signal = signal.SIGTERM
    stop_seconds = 10.0
    start_seconds = 60.0
    account: Account | None = None

    @abstractmethod
    def command(self) -> Sequence[str]: ...

    @abstractmethod
    def is_healthy(self) -> bool:
        """Whether it does its work now; errors of its client mean no."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Its working directory."""

    @property
    def program(self) -> str | None:
        """File name of the program, for processes with a folder of their own."""
        return None

    @property
    def ports(self) -> Mapping[int, str | None]:
        """The ports it will listen on, each with the variable that moves it if one does."""
        return {}

    def environment(self) -> Mapping[str, str]:
        return dict(os.environ)

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Called before every start, when nothing of an earlier run lives any more."""

    def finish(self) -> None:  # noqa: B027 - most leave nothing
        """Called after it was stopped, to take away what it leaves outside its folder."""

    def explain(self, output: str) -> str | None:
        """A sentence that says how to mend a start that failed with this output."""
        return None


class Server(ManagedProcess):
    """A process with a folder of its own, which no other process works in."""

    PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
    LIBRARIES = {
        "libcurl.so.4": "libcurl4",
        "libssl.so.3": "libssl3",
        "libcrypto.so.3": "libssl3",
    }

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def program(self) -> str:
        return self._program.name

    def environment(self) -> Mapping[str, str]:
        """Not the user's own: neither settings files of the home folder nor secrets reach it."""
        passed = {
            name: os.environ[name] for name in self.PASSED_ON if name in os.environ
        }
        return {**passed, "HOME": str(self._folder)}

    def prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def explain(self, output: str) -> str | None:
        _, found, rest = output.rpartition("error while loading shared libraries: ")
        if not found:
            return None
        library = rest.split(":")[0].strip()
        package = self.LIBRARIES.get(library, f"the package that has {library}")
        return f"{self.name} needs the library {library}: apt-get install {package}"


class Program(ManagedProcess):
    """A process that needs nothing but its command, its folder and its environment."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        account: Account | None = None,
    ) -> None:
        self.name = name
        self.account = account
        self._command = command
        self._folder = folder
        self._environment = environment

    @property
    def folder(self) -> Path:
        return self._folder

    def command(self) -> Sequence[str]:
        return self._command

    def environment(self) -> Mapping[str, str]:
        return self._environment

    def is_healthy(self) -> bool:
        """A process that takes no requests is healthy as long as it lives."""
        return True
