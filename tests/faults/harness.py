"""A whole stack whose processes can be taken away and whose lines can be made bad."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from backend.embedded.folders import DataFolder
from backend.embedded.servers.postgres import PostgresServer
from backend.embedded.stack import (
    ApiApplication,
    Application,
    EmbeddedServers,
    EmbeddedStack,
)
from backend.embedded.supervisor import Silence, SupervisedProcess
from backend.fleet.backoff import Backoff
from tests.e2e.client import Client
from tests.e2e.faults import SERVERS, Faults, until
from tests.faults.http_proxy import HttpProxy
from tests.faults.oracle import Oracle
from tests.faults.proxy_loop import ProxyLoop
from tests.faults.stores import Stores
from tests.faults.tcp_proxy import TcpProxy, Upstream
from tests.ports import TestPorts

BACK_SECONDS = 20.0


class ProxiedServers(EmbeddedServers):
    """Embedded servers that API and worker reach over proxies only.

    Whoever fetches from the CDN, and the tests themselves, go to the servers directly.
    """

    lines: dict[str, TcpProxy]
    s3: HttpProxy

    def put_proxies(self, loop: ProxyLoop) -> None:
        """Before the object store stand two: a line, and behind it one that speaks HTTP."""
        self.data.create()
        direct = self.direct()
        self.s3 = HttpProxy(
            loop,
            self.ports.port("proxy.http"),
            self._upstream(direct["S3_ENDPOINT_URL"]),
        )
        upstreams = {
            "postgres": self._postgres(direct["DATABASE_URL"]),
            "mongo": self._upstream(direct["MONGO_URL"]),
            "redis": self._upstream(direct["REDIS_URL"]),
            "s3": Upstream(self.s3.port),
        }
        self.lines = {
            name: TcpProxy(loop, self.ports.port(f"proxy.{name}"), upstreams[name])
            for name in SERVERS
        }

    def direct(self) -> dict[str, str]:
        """Where the servers really are."""
        return super().environment()

    def environment(self) -> dict[str, str]:
        direct = self.direct()
        port = {name: line.port for name, line in self.lines.items()}
        redis = urlsplit(direct["REDIS_URL"])
        return {
            **direct,
            "DATABASE_URL": f"postgresql://{PostgresServer.USER}@127.0.0.1:"
            f"{port['postgres']}/{PostgresServer.DATABASE}"
            "?sslmode=disable&gssencmode=disable",
            # Not as a replica set: its member's own address would lead past the proxy.
            "MONGO_URL": f"mongodb://127.0.0.1:{port['mongo']}/mediaproject"
            "?directConnection=true",
            "REDIS_URL": f"redis://:{redis.password}@127.0.0.1:{port['redis']}",
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{port['s3']}",
        }

    @staticmethod
    def _upstream(url: str) -> Upstream:
        return Upstream(urlsplit(url).port or 0)

    @staticmethod
    def _postgres(url: str) -> Upstream:
        folder = conninfo_to_dict(url)["host"]
        return Upstream(path=Path(str(folder)) / PostgresServer.SOCKET)


@dataclass(frozen=True)
class SecondApi:
    """Another host's API on the same stores. Knows what a `Client` asks of a stack."""

    name: str
    port: int
    data: DataFolder

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class FaultStack(Faults):
    """Servers, API and worker, and every fault they can suffer.

        with FaultStack(folder) as stack:
            stack.proxy("mongo").black_hole()
            stack.die_at("publish.stored")
            stack.kill("redis")
            stack.heal()
            stack.oracle.until_content(taken)

    What dies is started again by the supervisor, soon and however often, unless it is
    told to wait as long as that of `make run` does. What was left over may be found after
    `GRACE_SECONDS`. Without `durable` PostgreSQL forgets its last commits when it is killed.
    With `hosts_apart` uploads are staged in the object store, and each process has a folder
    of its own: hosts share nothing but the stores.
    """

    GRACE_SECONDS = 2

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        hosts_apart: bool = False,
        backoff: Callable[[], Backoff] = lambda: Backoff(0.2, 0.2),
        **settings: str,
    ) -> None:
        self._failpoints = folder / "failpoints"
        self._hosts = folder / "hosts"
        self._hosts_apart = hosts_apart
        self._loop = ProxyLoop()
        self.servers = ProxiedServers(
            folder,
            TestPorts(),
            durable=durable,
            environment={**Client.SETTINGS, **self._settings(), **settings},
            backoff=backoff,
        )
        self.servers.put_proxies(self._loop)
        self.embedded = EmbeddedStack(
            self.servers, worker_command=self._at("worker", *EmbeddedStack.WORKER)
        )
        self.stores = Stores(
            self.servers.direct(), self.embedded.data.staging, self._hosts
        )
        self.oracle = Oracle(self.stores)
        super().__init__(self.embedded)

    def __enter__(self) -> Self:
        self._failpoints.mkdir()
        self._loop.__enter__()
        self.s3.start()
        for name in SERVERS:
            self.proxy(name).start()
        self.embedded.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
        self.embedded.stop()
        for name in SERVERS:
            self.proxy(name).stop()
        self.s3.stop()
        self._loop.__exit__()

    def proxy(self, name: str) -> TcpProxy:
        """The line to one of the servers."""
        return self.servers.lines[name]

    @property
    def s3(self) -> HttpProxy:
        """What answers for the object store."""
        return self.servers.s3

    def client(self, role: str = "media_operator") -> Client:
        return Client(self.embedded).signed_in(role)

    def heal(self) -> None:
        """All lines are well, and nobody dies any more."""
        for name in SERVERS:
            self.proxy(name).heal()
        self.s3.heal()
        for file in self._failpoints.iterdir():
            file.unlink(missing_ok=True)

    def die_at(self, point: str, key: object = "", *, always: bool = False) -> None:
        """The next process that gets there dies, or all do; `key` makes it one media's."""
        name = f"{point}@{key}" if key else point
        draft = self._failpoints / f".{name}"
        draft.write_text("always" if always else "")
        draft.rename(self._failpoints / name)

    def until_died_at(self, point: str, seconds: float = 30.0) -> float:
        """Until a process got there and died."""
        file = self._failpoints / point
        return until(lambda: not file.exists(), seconds, f"a process dies at {point}")

    def kill_and_wait(self, name: str) -> float:
        """kill -9, and how many seconds it took until it was back."""
        return self.until_back(name, self.kill(name), BACK_SECONDS)

    def until_healthy(self, name: str, seconds: float) -> float:
        """Until it runs and does its work, if it did not already."""

        def is_well() -> bool:
            return self.embedded.pid(name) is not None and self._is_healthy(name)

        return until(is_well, seconds, f"{name} does its work")

    def until_serving(self, seconds: float = BACK_SECONDS) -> float:
        """For an API that died by itself: until it answers."""
        return self.until_healthy("api", seconds)

    def until_row(self, query: str, *values: object, seconds: float = 45.0) -> float:
        """Until the query finds something in PostgreSQL."""
        return until(lambda: bool(self.stores.rows(query, *values)), seconds, query)

    @contextmanager
    def second_worker(self, **settings: str) -> Iterator[str]:
        """Another worker beside the first; gives the name it is known by."""
        name = "worker-2"
        command = self._at(name, *EmbeddedStack.WORKER)
        environment = {**self._environment(), **settings}
        worker = Application(name, command, EmbeddedStack.PROJECT, environment)
        with self._supervised(worker):
            yield name

    @contextmanager
    def second_api(self) -> Iterator[SecondApi]:
        """Another API beside the first."""
        api = SecondApi("api-2", TestPorts().port("api"), self.embedded.data)
        command = self._at(api.name, *EmbeddedStack.API, str(api.port))
        folder, environment = EmbeddedStack.PROJECT, self._environment()
        application = ApiApplication(command, folder, environment, api.port, None)
        application.name = api.name
        with self._supervised(application):
            yield api

    @contextmanager
    def _supervised(self, application: Application) -> Iterator[None]:
        process = SupervisedProcess(application, self.servers.launcher, Silence())
        process.start()
        try:
            yield
        finally:
            process.stop()

    def _at(self, host: str, *module: str) -> list[str]:
        """The command that runs a module of ours there."""
        command = [sys.executable, "-m", *module]
        if not self._hosts_apart:
            return command
        folder = self._hosts / host
        folder.mkdir(parents=True, exist_ok=True)
        return ["env", f"STAGING_DIR={folder}", *command]

    def manage(self, *words: str, exit_code: int = 0) -> str:
        """What a management command prints that ends like this."""
        manage = str(EmbeddedStack.PROJECT / "manage.py")
        done = subprocess.run(
            [sys.executable, manage, *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def _settings(self) -> dict[str, str]:
        return {
            "FAILPOINTS_DIR": str(self._failpoints),
            "RECONCILE_GRACE_SECONDS": str(self.GRACE_SECONDS),
            "STAGING_BACKEND": "s3" if self._hosts_apart else "folder",
        }

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.servers.given, **self.servers.environment()}
