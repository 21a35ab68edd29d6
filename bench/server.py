"""Servers that the bench starts and ends itself."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from backend.embedded.ports import FreePorts

START_SECONDS = 120.0


class Ending:
    """A process is asked to end, and ended when it does not."""

    PATIENCE_SECONDS = 30.0

    @classmethod
    def of(cls, process: "subprocess.Popen[bytes]") -> None:
        process.terminate()
        try:
            process.wait(cls.PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Server:
    """One that answers at `/ping/`."""

    url: str
    pid: int

    @classmethod
    @contextmanager
    def running(
        cls,
        command: Callable[[int], Sequence[str]],
        environment: Mapping[str, str],
        folder: Path,
    ) -> Iterator["Server"]:
        """`command` is told the port. Raises `TimeoutError` if nobody answers there."""
        port = FreePorts().port("api")
        words = command(port)
        process = subprocess.Popen(words, cwd=folder, env=dict(environment))
        server = cls(f"http://127.0.0.1:{port}", process.pid)
        try:
            server._wait(process)
            yield server
        finally:
            Ending.of(process)

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                httpx.get(f"{self.url}/ping/", trust_env=False).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError(f"{process.args!r} does not answer")
