"""The application in a real uvicorn process."""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from tests.ports import TestPorts
from tests.uncovered import Uncovered

ROOT = Path(__file__).resolve().parents[1]
# On a machine that does much else, too.
START_SECONDS = 120
STOP_SECONDS = 10


class UvicornProcess:
    """Started on entering and stopped on leaving, by its pid."""

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        application: str = "backend.config.asgi:application",
        protocol: str = "backend.api.http.protocol:BoundedHttpProtocol",
    ) -> None:
        self._environment = Uncovered.environment(**environment)
        self._application = application
        self._protocol = protocol
        self.log = log
        self.port = TestPorts().port("api")

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def connect(self, seconds: float = 10) -> socket.socket:
        """A raw connection, for what no HTTP client would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", self._application),
            *("--port", str(self.port), "--loop", "uvloop", "--http", self._protocol),
            *("--timeout-graceful-shutdown", "3", "--no-proxy-headers"),
        ]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                httpx.get(f"{self.base_url}/health/live/").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"uvicorn did not start:\n{self.log.read_text()}")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
