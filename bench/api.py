"""Our API alone, in a process of its own."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.server import Server

PROJECT = Path(__file__).parents[1]


class OurApi:
    @classmethod
    @contextmanager
    def running(cls, environment: Mapping[str, str]) -> Iterator[Server]:
        with Server.running(cls._command, environment, PROJECT) as server:
            yield server

    @staticmethod
    def _command(port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "backend.config.asgi:application"),
            *("--port", str(port), "--loop", "uvloop", "--log-level", "warning"),
            *("--no-access-log", "--no-server-header"),
            *("--http", "backend.api.http.protocol:BoundedHttpProtocol"),
        ]
