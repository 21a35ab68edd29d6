"""A whole system for clients that nobody here wrote: newman and a browser."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.embedded.console import Console
from backend.embedded.errors import EmbeddedError
from backend.embedded.run import DemoAccounts, Interrupted, Parent, RunningStack
from backend.embedded.stack import EmbeddedServers, EmbeddedStack
from tests.ports import TestPorts

BUILD = EmbeddedStack.PROJECT / "build"


class ClientFailed(EmbeddedError):
    """The client could not be run; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class System:
    """Where it answers, and who may sign in, by role."""

    base_url: str
    accounts: Mapping[str, Account]


class ClientSystem:
    """A system of its own on free ports, or the one that `BASE_URL` names.

    The accounts of that one are read from the file `ACCOUNTS`, which is by default the file
    that `make run` writes.
    """

    def __init__(
        self, console: Console, purpose: str, environment: Mapping[str, str]
    ) -> None:
        self._console = console
        self._purpose = purpose
        self._environment = environment

    @contextmanager
    def up(self) -> Iterator[System]:
        """Raises `EmbeddedError`; `Interrupted` on a signal, when everything has stopped."""
        if base_url := self._environment.get("BASE_URL"):
            yield System(base_url.rstrip("/"), self._accounts())
        else:
            with self._own() as system:
                yield system

    def _accounts(self) -> dict[str, Account]:
        usual = EmbeddedStack.PROJECT / ".data" / "demo-accounts.json"
        path = Path(self._environment.get("ACCOUNTS") or usual)
        try:
            return self._by_role(json.loads(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise ClientFailed(
                f"The accounts for BASE_URL cannot be read from {path} ({error}): "
                "name the file with ACCOUNTS=path."
            ) from error

    @contextmanager
    def _own(self) -> Iterator[System]:
        folder = Path(tempfile.mkdtemp(prefix=f"mediaproject-{self._purpose}-"))
        try:
            stack = self._stack(folder)
            with RunningStack(stack, self._console, self._purpose).up():
                accounts = DemoAccounts(stack.data).read()
                yield System(stack.address, self._by_role(accounts))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _stack(self, folder: Path) -> EmbeddedStack:
        servers = EmbeddedServers(
            folder,
            TestPorts(),
            durable=False,
            # Small machines with little free disk must be able to run it.
            environment={"STAGING_FLOOR_BYTES": "0"},
            announcer=self._console,
        )
        return EmbeddedStack(servers)

    @staticmethod
    def _by_role(accounts: Mapping[str, Mapping[str, str]]) -> dict[str, Account]:
        return {role: Account(**account) for role, account in accounts.items()}


class ClientProgram:
    """Runs a client from the command line: what goes wrong is one sentence and status 1."""

    def __init__(self, purpose: str, client: Callable[[Console, System], int]) -> None:
        self._purpose = purpose
        self._client = client
        self._console = Console()

    def execute(self) -> int:
        Parent().follow()
        try:
            system = ClientSystem(self._console, self._purpose, os.environ)
            with system.up() as running:
                return self._client(self._console, running)
        except EmbeddedError as error:
            self._console.say(f"Error: {error}")
        except (Interrupted, KeyboardInterrupt):
            self._console.say("Interrupted.")
        return 1
