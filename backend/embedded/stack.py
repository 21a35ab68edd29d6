import http.client
import os
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from backend.embedded.folders import DataFolder
from backend.embedded.launcher import Command, Launcher
from backend.embedded.ports import FreePorts, PortPlan, Ports
from backend.embedded.process import ManagedProcess, Program
from backend.embedded.programs import Programs
from backend.embedded.secret_store import Secrets
from backend.embedded.servers.mongo import MongoServer
from backend.embedded.servers.postgres import PostgresServer
from backend.embedded.servers.redis import RedisServer
from backend.embedded.servers.seaweedfs import SeaweedServer
from backend.embedded.supervisor import Announcer, Silence, Supervisor
from backend.fleet.backoff import Backoff


class EmbeddedServers:
    """The four servers over one data folder; an address in the environment replaces a server.

    `durable=False` lets PostgreSQL answer before a commit is written, for tests that do not kill
    it, and `backoff` is how long one that dies again and again is left alone before its next start.
    """

    BUCKET = "media"

    def __init__(
        self,
        data_dir: Path,
        ports: Ports | None = None,
        *,
        durable: bool = True,
        environment: Mapping[str, str] | None = None,
        announcer: Announcer | None = None,
        programs: Programs | None = None,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.data = DataFolder(data_dir)
        self.ports = ports or FreePorts()
        self.given = os.environ if environment is None else environment
        self.announcer = announcer or Silence()
        self.backoff = backoff
        self.launcher = Launcher(self.data)
        self._durable = durable
        self._programs = programs or Programs()
        self._secrets = Secrets(self.data.secrets)
        self._servers = self._needed()
        self.supervisor = Supervisor(
            list(self._servers.values()), self.launcher, self.announcer, backoff
        )

    @property
    def servers(self) -> Collection[ManagedProcess]:
        return self._servers.values()

    def start(self) -> dict[str, str]:
        """Start them in parallel; answer the environment our processes need when all are healthy."""
        self.data.create()
        self._secrets.read()
        self.supervisor.start()
        return self.environment()

    def stop(self, seconds: float | None = None) -> None:
        self.supervisor.stop(seconds)

    def hurry(self) -> None:
        """End a stop that is under way at once."""
        self.supervisor.hurry()

    def pid(self, name: str) -> int | None:
        return self.data.pid(name)

    def stop_process(self, name: str) -> None:
        self.supervisor.process(name).stop()

    def start_process(self, name: str) -> None:
        """Start one that was stopped."""
        self.supervisor.process(name).start_again()

    def environment(self) -> dict[str, str]:
        """What our processes are configured with; a variable that is set already wins."""
        own = self._own_environment()
        return {name: self.given.get(name) or value for name, value in own.items()}

    def _own_environment(self) -> dict[str, str]:
        endpoint = (
            self.given.get("S3_ENDPOINT_URL") or self._servers["S3_ENDPOINT_URL"].url
        )
        public = self.given.get("S3_PUBLIC_URL") or endpoint
        bucket = self.given.get("S3_BUCKET") or self.BUCKET
        return {
            **self._secrets.settings(),
            **{variable: server.url for variable, server in self._servers.items()},
            **{
                name: self.given[name]
                for name in self.ADDRESSES
                if self.given.get(name)
            },
            "S3_ENDPOINT_URL": endpoint,
            "S3_PUBLIC_URL": public,
            "S3_BUCKET": bucket,
            "S3_REGION": "us-east-1",
            "CDN_BASE_URL": f"{public.rstrip('/')}/{bucket}",
            "STAGING_DIR": str(self.data.staging),
            "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
            "LOG_FORMAT": "console",
            "DJANGO_SETTINGS_MODULE": "backend.config.settings",
        }

    ADDRESSES = ("DATABASE_URL", "MONGO_URL", "REDIS_URL", "S3_ENDPOINT_URL")

    def _needed(
        self,
    ) -> dict[str, PostgresServer | MongoServer | RedisServer | SeaweedServer]:
        needed: dict[
            str, PostgresServer | MongoServer | RedisServer | SeaweedServer
        ] = {}
        if not self.given.get("DATABASE_URL"):
            needed["DATABASE_URL"] = PostgresServer(
                self.data, self._programs, self.launcher, durable=self._durable
            )
        if not self.given.get("MONGO_URL"):
            needed["MONGO_URL"] = MongoServer(self.data, self._programs, self.ports)
        if not self.given.get("REDIS_URL"):
            needed["REDIS_URL"] = RedisServer(
                self.data, self._programs, self.ports, self._secrets
            )
        if not self.given.get("S3_ENDPOINT_URL"):
            needed["S3_ENDPOINT_URL"] = SeaweedServer(
                self.data, self._programs, self.ports, self._secrets
            )
        return needed


class Application(Program):
    """A process of ours, in the project's folder."""

    stop_seconds = 9.5  # Each ends within 9 s by itself.


class ApiApplication(Application):
    """The API: healthy when it answers."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        port: int,
        variable: str | None,
    ) -> None:
        super().__init__("api", command, folder, environment)
        self._port = port
        self._variable = variable

    @property
    def ports(self) -> Mapping[int, str | None]:
        return {self._port: self._variable}

    def is_healthy(self) -> bool:
        return Liveness(f"http://127.0.0.1:{self._port}").is_live()


class Liveness:
    """Asks an API whether it lives."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)

    def is_live(self) -> bool:
        host = self._address.hostname or "127.0.0.1"
        connection = http.client.HTTPConnection(host, self._address.port, timeout=2)
        try:
            connection.request("GET", "/health/live/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class EmbeddedStack:
    """The whole system: servers, what prepares them, API and worker.

    With an empty `worker_command` there is no worker.
    """

    STOP_SECONDS = 14.0
    BASICS = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
    PROJECT = Path(__file__).resolve().parents[2]
    API = (
        *(
            "uvicorn",
            "backend.config.asgi:application",
            "--host",
            "127.0.0.1",
            "--lifespan",
            "on",
        ),
        *("--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "8"),
        "--no-proxy-headers",  # Whom to believe is TRUSTED_PROXIES's to say.
        *("--loop", "uvloop"),
        *("--http", "backend.api.http.protocol:BoundedHttpProtocol", "--port"),
    )
    # Two, so that one continues when the other dies; their jobs mostly wait, for stores
    # and for children.
    WORKER = ("backend.fleet", "--processes", "2", "--threads", "8")

    def __init__(
        self,
        servers: EmbeddedServers,
        *,
        project: Path = PROJECT,
        prepare_command: Sequence[str] | None = None,
        api_command: Sequence[str] | None = None,
        worker_command: Sequence[str] | None = None,
    ) -> None:
        self.servers = servers
        self.data = servers.data
        self._project = project
        self._prepare_command = prepare_command or self._manage(
            "prepare", "--demo-accounts"
        )
        self._api_command = api_command or [sys.executable, "-m", *self.API]
        if worker_command is None:
            worker_command = [sys.executable, "-m", *self.WORKER]
        self._worker_command = worker_command
        self._applications: Supervisor | None = None

    @property
    def api_port(self) -> int:
        return self.servers.ports.port("api")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def start(self) -> dict[str, str]:
        """Answer the environment of the processes when API and worker are up."""
        self.data.create()
        environment = {**self.servers.environment(), "API_PORT": str(self.api_port)}
        processes = {**self._basics(), **self.servers.given, **environment}
        self._applications = self._supervise(processes)
        self._plan_ports(self._applications)
        self._applications.clear()
        self.servers.start()
        self._prepare(processes)
        self._applications.start()
        return environment

    def _plan_ports(self, applications: Supervisor) -> None:
        """See that no two want the same port, before anything is started."""
        plan = PortPlan()
        self.servers.supervisor.plan(plan)
        applications.plan(plan)

    def _prepare(self, environment: Mapping[str, str]) -> None:
        began = time.monotonic()
        command = Command("prepare", self._prepare_command, self._project, environment)
        self.servers.launcher.complete(command)
        took = time.monotonic() - began
        self.servers.announcer.say(f"The stores are prepared after {took:.1f} s.")

    def stop(self) -> None:
        """End API and worker first, so that nobody writes when the servers go."""
        deadline = time.monotonic() + self.STOP_SECONDS
        if self._applications is not None:
            self._applications.stop()
        self.servers.stop(deadline - time.monotonic())

    def hurry(self) -> None:
        """End a stop that is under way at once."""
        if self._applications is not None:
            self._applications.hurry()
        self.servers.hurry()

    def pid(self, name: str) -> int | None:
        return self.data.pid(name)

    def stop_process(self, name: str) -> None:
        self._owner(name).process(name).stop()

    def start_process(self, name: str) -> None:
        """Start one that was stopped."""
        self._owner(name).process(name).start_again()

    def _basics(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in self.BASICS if name in os.environ}
        return {**kept, "PYTHONUNBUFFERED": "1"}

    def _owner(self, name: str) -> Supervisor:
        if self._applications is not None and name in self._applications:
            return self._applications
        return self.servers.supervisor

    def _supervise(self, environment: Mapping[str, str]) -> Supervisor:
        variable = self.servers.ports.variable("api")
        command = [*self._api_command, str(self.api_port)]
        api = ApiApplication(
            command, self._project, environment, self.api_port, variable
        )
        applications: list[ManagedProcess] = [api]
        if self._worker_command:
            applications.append(
                Application("worker", self._worker_command, self._project, environment)
            )
        return Supervisor(
            applications,
            self.servers.launcher,
            self.servers.announcer,
            self.servers.backoff,
        )

    def _manage(self, command: str, option: str) -> list[str]:
        manage = self._project / "manage.py"
        return [
            sys.executable,
            str(manage),
            command,
            option,
            str(self.data.demo_accounts),
        ]
