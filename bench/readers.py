"""The servers whose answers to readers are compared, all on one database."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.load import Target
from bench.ours import OurSystem
from bench.peers.environment import PeerEnvironment
from bench.processes import Processes
from bench.server import Server

PEERS = Path(__file__).parent / "peers"
SECRET = "a secret of the peers that is long enough"  # noqa: S105 - guards made-up rows


class OurReader:
    """Our API, with what works for it."""

    def __init__(self, system: OurSystem) -> None:
        self.stores = [system.pid(name) for name in ("postgres", "redis")]
        api = system.pid("api")
        self.target = Target(
            system.name,
            system.url,
            system.headers,
            Processes([api]),
            Processes([api, *self.stores]),
        )


class Reader(ABC):
    """A peer that answers readers, with one worker."""

    def __init__(self, environment: PeerEnvironment, database: str) -> None:
        self._environment = environment
        self._python = str(environment.python)
        self._address = database
        self._database = conninfo_to_dict(database)

    @contextmanager
    def running(self, user: str, stores: Sequence[int]) -> Iterator[Target]:
        """`user` is signed in; `stores` are the processes that work for it."""
        self._environment.prepare()
        variables = {
            "PATH": os.environ["PATH"],
            "PEER_SECRET": SECRET,
            **self._variables(),
        }
        with (
            self.indexed(),
            Server.running(self._command, variables, PEERS) as server,
        ):
            yield Target(
                self.name,
                server.url,
                {"Authorization": f"Bearer {self._token(user)}"},
                Processes([server.pid]),
                Processes([server.pid, *stores]),
            )

    name = ""
    # What its search for a part of a title compares, as PostgreSQL sees it.
    SEARCHED = ""

    @contextmanager
    def indexed(self) -> Iterator[None]:
        """Gone before the next peer comes: every index costs all plans a little."""
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute(
                "CREATE INDEX peers_title ON media "
                f"USING gin (({self.SEARCHED}) gin_trgm_ops)".encode()
            )
            # An index of what is computed has statistics of its own.
            connection.execute("VACUUM ANALYZE media")
            try:
                yield
            finally:
                connection.execute("DROP INDEX peers_title")

    @abstractmethod
    def _command(self, port: int) -> list[str]: ...

    @abstractmethod
    def _variables(self) -> Mapping[str, str]: ...

    @staticmethod
    def _token(user: str) -> str:
        claims = {
            "sub": user,
            "jti": "bench",
            "token_type": "access",
            "exp": datetime.now(UTC) + timedelta(days=1),
        }
        return jwt.encode(claims, SECRET, algorithm="HS256")


class FastApiReader(Reader):
    name = "FastAPI + SQLAlchemy async + asyncpg + PyJWT"
    SEARCHED = "title"

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
    # What Django makes of `icontains`, and of OpClass(Upper("title"), …).
    SEARCHED = "upper(title)"

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
