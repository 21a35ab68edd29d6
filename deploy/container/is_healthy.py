"""`python is_healthy.py [api | worker]`: the health check of the image, status 0 if healthy.

The API answers at its own port; of the workers, at least one process is there. Neither
asks a store: a container does not get better by being started again when one is away.
Without a word it asks for workers where their fleet runs, and for the API elsewhere.
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


class Processes:
    """Those of this container."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def are_there(self, module: bytes) -> bool:
        """At least one that was started with the module on its command line."""
        found = self._proc.glob("[0-9]*")
        return any(module in self._command(process) for process in found)

    @staticmethod
    def _command(process: Path) -> list[bytes]:
        try:
            return (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # It has ended meanwhile.
            return []


class Worker:
    """A dramatiq master and its one worker process are started for each member."""

    FLEET = b"backend.fleet"
    MEMBER = b"backend.config.worker"

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def is_meant(self) -> bool:
        return self._processes.are_there(self.FLEET)

    def is_healthy(self) -> bool:
        return self._processes.are_there(self.MEMBER)


class Check:
    """Of what is named, or else of what runs."""

    def __init__(self, processes: Processes) -> None:
        self._worker = Worker(processes)

    def of(self, name: str) -> Api | Worker:
        if not name:
            return self._worker if self._worker.is_meant() else Api()
        return {"api": Api(), "worker": self._worker}[name]


if __name__ == "__main__":
    check = Check(Processes()).of(sys.argv[1] if len(sys.argv) > 1 else "")
    sys.exit(0 if check.is_healthy() else 1)
