"""The servers that are compared, each as it would really run."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

import httpx

from backend.embedded.ports import FreePorts
from backend.embedded.stack import EmbeddedServers, EmbeddedStack
from bench.peers.environment import PeerEnvironment

START_SECONDS = 30.0
SETTLE_SECONDS = 600.0


class Contender(Protocol):
    """A server that takes videos at `/media/` and answers `/ping/`."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def settle(self, answer: dict[str, Any]) -> None:
        """Wait until nothing of the upload is left to do, and make room for the next."""


class OurApi:
    """MediaProject with everything that belongs to it: the stores and a worker."""

    name = "MediaProject"

    def __init__(self, stack: EmbeddedStack) -> None:
        self.url = stack.address
        self.pid = stack.pid("api") or 0
        self._http = httpx.Client(base_url=self.url, trust_env=False, timeout=30.0)
        account = json.loads(stack.data.demo_accounts.read_text())["media_operator"]
        tokens = self._http.post("/auth/signin/", json=account).raise_for_status()
        self.headers = {"Authorization": f"Bearer {tokens.json()['access']}"}

    @classmethod
    @contextmanager
    def running(cls, folder: Path, fsync: bool) -> Iterator["OurApi"]:
        """Its data is thrown away afterwards."""
        environment = {
            "PATH": os.environ["PATH"],
            "STAGING_FSYNC": "on" if fsync else "off",
            # The measured uploads need no rest of the disk.
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

    def settle(self, answer: dict[str, Any]) -> None:
        """Its jobs are done: the worker does not compete with the next upload.

        A duplicate would be no measurement, so it is an error.
        """
        if answer["deduplicated"]:
            raise RuntimeError("these bytes were known already")
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            media = self._http.get(f"/media/{answer['uuid']}/", headers=self.headers)
            if media.json()["status"] in ("ready", "failed"):
                return
            time.sleep(0.2)
        raise TimeoutError("the jobs of the upload do not end")


class FastApiPeer:
    """FastAPI under the same server with the same options, one worker as well."""

    name = "FastAPI UploadFile"
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.url = f"http://127.0.0.1:{port}"

    @classmethod
    @contextmanager
    def running(
        cls, environment: PeerEnvironment, folder: Path, fsync: bool
    ) -> Iterator["FastApiPeer"]:
        """Its temporary files and its copies are on one disk, which is ours too."""
        folder.mkdir(parents=True, exist_ok=True)
        port = cls._free_port()
        variables = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "UPLOADS": str(folder),
            "FSYNC": "on" if fsync else "off",
        }
        process = subprocess.Popen(cls._command(environment, port), env=variables)
        try:
            peer = cls(process.pid, port)
            peer._wait()
            yield peer
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)

    def settle(self, answer: dict[str, Any]) -> None:
        Path(answer["path"]).unlink()

    @staticmethod
    def _command(environment: PeerEnvironment, port: int) -> list[str]:
        return [
            *(str(environment.python), "-m", "uvicorn", "fastapi_uploads:app"),
            *("--app-dir", str(Path(__file__).parent / "peers")),
            *("--host", "127.0.0.1", "--port", str(port), "--lifespan", "on"),
            *("--no-access-log", "--no-server-header", "--log-level", "warning"),
            *("--loop", "uvloop", "--http", "httptools"),
        ]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(f"{self.url}/ping/", trust_env=False).raise_for_status()
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    @staticmethod
    def _free_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port
