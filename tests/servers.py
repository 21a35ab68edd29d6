"""The four real servers that every test run starts for itself."""

from pathlib import Path

from backend.embedded.ports import FreePorts
from backend.embedded.stack import EmbeddedServers


class TestServers:
    """Started once for a run, in a folder of their own, without fsync."""

    __test__ = False
    # What the embedded servers do not decide. Small disks must do for the tests.
    SETTINGS = {"STAGING_FLOOR_BYTES": "0", "ALLOWED_HOSTS": "localhost,127.0.0.1"}

    def __init__(self, folder: Path) -> None:
        self._servers = EmbeddedServers(
            folder, FreePorts(), durable=False, environment={}
        )
        self.environment: dict[str, str] = {}

    def start(self) -> None:
        self.environment = {**self._servers.start(), **self.SETTINGS}

    def stop(self) -> None:
        # What they hold is thrown away: nobody waits for SeaweedFS to end by itself.
        self._servers.stop(0.0)
