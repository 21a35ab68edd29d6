"""MediaProject as `make run` starts it, with free ports and data of its own."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from backend.embedded.ports import FreePorts
from backend.embedded.stack import EmbeddedServers, EmbeddedStack
from bench.processes import Processes

STORES = ("postgres", "mongo", "redis", "s3")
READY_SECONDS = 600.0
PID_SECONDS = 10.0


class OurSystem:
    """The whole of it: the stores, an API with one process, and a worker.

    The operator, who may read everything, is signed in.
    """

    name = "MediaProject"

    def __init__(self, stack: EmbeddedStack) -> None:
        self.stack = stack
        self.url = stack.address
        self.environment = stack.servers.environment()
        self.database: str = self.environment["DATABASE_URL"]
        self._http = httpx.Client(base_url=self.url, trust_env=False, timeout=30.0)
        account = json.loads(stack.data.demo_accounts.read_text())["media_operator"]
        tokens = self._http.post("/auth/signin/", json=account).raise_for_status()
        self.headers = {"Authorization": f"Bearer {tokens.json()['access']}"}

    @classmethod
    @contextmanager
    def running(
        cls, folder: Path, *, fsync: bool = True, worker: Sequence[str] | None = None
    ) -> Iterator["OurSystem"]:
        """Its data is thrown away afterwards. With an empty command it has no worker."""
        environment = {
            "PATH": os.environ["PATH"],
            "STAGING_FSYNC": "on" if fsync else "off",
            # The measured uploads need no rest of the disk.
            "STAGING_FLOOR_BYTES": "0",
            # Longer than any bench.
            "ACCESS_TOKEN_SECONDS": "86400",
        }
        servers = EmbeddedServers(folder, FreePorts(), environment=environment)
        stack = EmbeddedStack(servers, worker_command=worker)
        try:
            stack.start()
            yield cls(stack)
        finally:
            stack.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def pid(self, name: str) -> int:
        """Its file may come a little later. Raises `RuntimeError` if it does not run."""
        deadline = time.monotonic() + PID_SECONDS
        while time.monotonic() < deadline:
            if (pid := self.stack.pid(name)) is not None:
                return pid
            time.sleep(0.05)
        raise RuntimeError(f"{name} does not run")

    def processes(self, *names: str) -> Processes:
        return Processes([self.pid(name) for name in names])

    def read(self, path: str) -> httpx.Response:
        return self._http.get(path, headers=self.headers).raise_for_status()

    def media(self, identity: str) -> dict[str, Any]:
        found: dict[str, Any] = self.read(f"/media/{identity}/").json()
        return found

    def until_ready(self, identity: str, every_seconds: float = 0.2) -> None:
        """Raises `RuntimeError` if it fails, and `TimeoutError`."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            media = self.media(identity)
            if media["status"] == "ready":
                return
            if media["status"] == "failed":
                raise RuntimeError(f"media {identity} has failed: {media['failure']}")
            time.sleep(every_seconds)
        raise TimeoutError(f"media {identity} does not become ready")

    def until_quiet(self, identity: str) -> None:
        """Ready, and none of its jobs is open: the miniature's may come later."""
        self.until_ready(identity)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            jobs = self.media(identity)["jobs"]
            if set(jobs.values()) <= {"succeeded", "failed"}:
                return
            time.sleep(0.2)
        raise TimeoutError(f"the jobs of media {identity} do not end")
