"""Our API alone, in a process of its own, as `make run` starts it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.server import Server

PROJECT = Path(__file__).parents[1]


class OurApi:
    APPLICATION = "backend.config.asgi:application"

    @classmethod
    @contextmanager
    def running(
        cls, environment: Mapping[str, str], application: str = APPLICATION
    ) -> Iterator[Server]:
        """Or another application in its place."""
        command = partial(cls._command, application)
        with Server.running(command, environment, PROJECT) as server:
            yield server

    @staticmethod
    def _command(application: str, port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", application),
            *("--port", str(port), "--loop", "uvloop", "--log-level", "warning"),
            *("--no-access-log", "--no-server-header"),
            *("--http", "backend.api.http.protocol:BoundedHttpProtocol"),
        ]
