"""The four real servers that every process of a test run starts for itself."""

from pathlib import Path

from backend.embedded.stack import EmbeddedServers
from tests.ports import TestPorts


class TestServers:
    """Started once, in a folder of their own, without fsync."""

    __test__ = False
    # What the embedded servers do not decide. Small disks must do for the tests.
    SETTINGS = {"STAGING_FLOOR_BYTES": "0", "ALLOWED_HOSTS": "localhost,127.0.0.1"}

    def __init__(self, folder: Path) -> None:
        self._servers = EmbeddedServers(
            folder, TestPorts(), durable=False, environment={}
        )
        self._servers.data.create()
        self.environment = {**self._servers.environment(), **self.SETTINGS}

    def start(self) -> None:
        self._servers.start()

    def log(self, name: str) -> str:
        return self._servers.data.log_file(name).read_text()

    def stop(self) -> None:
        # What they hold is thrown away: nobody waits for SeaweedFS to end by itself.
        self._servers.stop(0.0)
