"""`python is_healthy.py [api | worker]`: the health check of the image, status 0 if healthy.

The API answers at its own port; of the workers, at least one process is there. Neither
asks a store: a container does not get better by being started again when one is away.
"""

import http.client
import sys
from pathlib import Path


class Api:
    PORT = 8000
    SECONDS = 3

    def is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.PORT, timeout=self.SECONDS
        )
        try:
            connection.request("GET", "/health/live/", headers={"Host": "localhost"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Worker:
    """A dramatiq master and its one worker process are started for each member."""

    PROC = Path("/proc")
    MODULE = b"backend.config.worker"
    LEAST = 1

    def is_healthy(self) -> bool:
        return sum(map(self._is_member, self.PROC.glob("[0-9]*"))) >= self.LEAST

    def _is_member(self, process: Path) -> bool:
        try:
            return self.MODULE in (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # It has ended meanwhile.
            return False


if __name__ == "__main__":
    checks = {"api": Api, "worker": Worker}
    check = checks[sys.argv[1] if len(sys.argv) > 1 else "api"]()
    sys.exit(0 if check.is_healthy() else 1)
