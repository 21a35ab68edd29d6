import subprocess
import sys

from tests.servers import TestServers
from tests.uncovered import Uncovered


class TestStart:
    def test_a_wrong_environment_is_explained(self, servers: TestServers) -> None:
        wrong = {"JWT_SIGNING_KEY": "short", "DOCS": "perhaps"}
        done = subprocess.run(
            [sys.executable, "-m", "uvicorn", "backend.config.asgi:application"],
            env=Uncovered.environment(**servers.environment | wrong),
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "JWT_SIGNING_KEY: " in done.stderr
        assert "DOCS: " in done.stderr
        assert "Traceback" not in done.stderr
        assert "short" not in done.stderr
