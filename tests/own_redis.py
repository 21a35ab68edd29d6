"""A Redis of a test's own, which may be taken away."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import redis

from backend.embedded.folders import DataFolder
from backend.embedded.ports import FreePorts
from backend.embedded.programs import Programs
from backend.embedded.secret_store import Secrets
from backend.embedded.servers.redis import RedisServer
from tests.frozen import Frozen

START_SECONDS = 60


class OwnRedis:
    """The embedded redis-server, without the supervisor that would bring it back."""

    def __init__(self, folder: Path) -> None:
        data = DataFolder(folder)
        data.create()
        self._server = RedisServer(data, Programs(), FreePorts(), Secrets(data.secrets))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._server.url

    def start(self) -> None:
        self._server.prepare()
        self._process = subprocess.Popen(
            self._server.command(),
            cwd=self._server.folder,
            env=self._server.environment(),
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._server.is_healthy():
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """There and silent."""
        assert self._process is not None
        Frozen.stop(self._process.pid)
        try:
            yield
        finally:
            Frozen.go_on(self._process.pid)

    def flush(self) -> None:
        with self._client() as client:
            client.flushall()

    def keys(self, pattern: str) -> list[str]:
        with self._client() as client:
            return [key.decode() for key in client.keys(pattern)]

    def drop(self, key: str) -> None:
        """As if its time were over."""
        with self._client() as client:
            assert client.delete(key) == 1

    def lose_one(self, dice: Random, pattern: str) -> None:
        """Drop one of these keys, if there are any, as if memory had been short."""
        with self._client() as client:
            if keys := sorted(client.keys(pattern)):
                client.delete(dice.choice(keys))

    def save(self) -> None:
        """What is there now is there again after a restart."""
        with self._client() as client:
            client.save()

    def get(self, key: str) -> bytes | None:
        with self._client() as client:
            value: bytes | None = client.get(key)
        return value

    def put(self, key: str, value: bytes) -> None:
        with self._client() as client:
            client.set(key, value)

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(f"{self.url}/1", socket_timeout=5)
