"""The servers whose answers to readers are compared, all on one database."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
from psycopg.conninfo import conninfo_to_dict

from backend.embedded.ports import FreePorts
from backend.embedded.stack import EmbeddedServers, EmbeddedStack
from bench.load import Processes, Target
from bench.peers.environment import PeerEnvironment

PEERS = Path(__file__).parent / "peers"
SECRET = "a secret of the peers that is long enough"  # noqa: S105 - guards made-up rows
START_SECONDS = 60.0


class OurSystem:
    """MediaProject as `make run` starts it, with free ports and data of its own."""

    NAME = "MediaProject"

    def __init__(self, stack: EmbeddedStack) -> None:
        self._stack = stack
        self.database: str = stack.servers.environment()["DATABASE_URL"]
        self.stores = self._pids("postgres", "redis")

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator["OurSystem"]:
        """Its data is thrown away afterwards."""
        environment = {
            "PATH": os.environ["PATH"],
            "STAGING_FLOOR_BYTES": "0",
            # Longer than any bench.
            "ACCESS_TOKEN_SECONDS": "86400",
        }
        stack = EmbeddedStack(
            EmbeddedServers(folder, FreePorts(), environment=environment)
        )
        try:
            stack.start()
            yield cls(stack)
        finally:
            stack.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def target(self) -> Target:
        """As the operator, who may read everything."""
        accounts = json.loads(self._stack.data.demo_accounts.read_text())
        answer = httpx.post(
            f"{self._stack.address}/auth/signin/",
            json=accounts["media_operator"],
            trust_env=False,
        )
        token = answer.raise_for_status().json()["access"]
        api = self._pids("api")
        return Target(
            self.NAME,
            self._stack.address,
            {"Authorization": f"Bearer {token}"},
            Processes(api),
            Processes([*api, *self.stores]),
        )

    def _pids(self, *names: str) -> list[int]:
        found = (self._stack.pid(name) for name in names)
        return [pid for pid in found if pid is not None]


class Reader:
    """A peer that answers readers, with one worker."""

    def __init__(self, environment: PeerEnvironment, database: str) -> None:
        self._python = str(environment.python)
        self._database = conninfo_to_dict(database)

    @contextmanager
    def running(self, user: str, stores: Sequence[int]) -> Iterator[Target]:
        """`user` is signed in; `stores` are the processes that work for it."""
        port = FreePorts().port("api")
        variables = {
            "PATH": os.environ["PATH"],
            "PEER_SECRET": SECRET,
            **self._variables(),
        }
        process = subprocess.Popen(self._command(port), env=variables, cwd=PEERS)
        try:
            url = f"http://127.0.0.1:{port}"
            self._wait(url, process)
            yield Target(
                self.name,
                url,
                {"Authorization": f"Bearer {self._token(user)}"},
                Processes([process.pid]),
                Processes([process.pid, *stores]),
            )
        finally:
            process.terminate()
            process.wait()

    name = ""

    def _command(self, port: int) -> list[str]:
        raise NotImplementedError

    def _variables(self) -> Mapping[str, str]:
        raise NotImplementedError

    @staticmethod
    def _token(user: str) -> str:
        claims = {
            "sub": user,
            "jti": "bench",
            "token_type": "access",
            "exp": datetime.now(UTC) + timedelta(days=1),
        }
        return jwt.encode(claims, SECRET, algorithm="HS256")

    @staticmethod
    def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"{url}/ping/", trust_env=False).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError(f"{process.args!r} does not answer")


class FastApiReader(Reader):
    name = "FastAPI + SQLAlchemy async + asyncpg + PyJWT"

    def _command(self, port: int) -> list[str]:
        return [
            *(self._python, "-m", "uvicorn", "fastapi_media:app"),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--no-access-log", "--no-server-header", "--log-level", "warning"),
            *("--loop", "uvloop", "--http", "httptools"),
        ]

    def _variables(self) -> Mapping[str, str]:
        place = self._database
        address = f"{place['user']}@/{place['dbname']}?host={place['host']}"
        return {"PEER_DATABASE": f"postgresql+asyncpg://{address}"}


class DrfReader(Reader):
    name = "Django REST Framework + simplejwt under gunicorn"

    def _command(self, port: int) -> list[str]:
        return [
            *(
                self._python,
                "-m",
                "gunicorn",
                "django.core.wsgi:get_wsgi_application()",
            ),
            *("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4"),
            *("--keep-alive", "30", "--log-level", "warning"),
        ]

    def _variables(self) -> Mapping[str, str]:
        place = self._database
        database = {
            "NAME": place["dbname"],
            "USER": place["user"],
            "HOST": place["host"],
        }
        return {
            "DJANGO_SETTINGS_MODULE": "drf_media.settings",
            "PEER_DATABASE": json.dumps(database),
        }
