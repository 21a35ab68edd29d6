import subprocess
import sys

import pytest

from tests.uncovered import Uncovered


class TestMetricsPortWarning:
    """Who waits for metrics at a port of their own is told where they are."""

    @pytest.mark.parametrize("entry_point", ["asgi", "worker"])
    def test_each_process_says_that_it_has_no_such_port(self, entry_point: str) -> None:
        told = self._stderr(entry_point, {"METRICS_PORT": "9187"})
        (line,) = [line for line in told.splitlines() if "metrics.no_port" in line]
        for word in ("9187", "/metrics", "METRICS_TOKEN", "0028"):
            assert word in line

    def test_nothing_is_said_where_none_is_wanted(self) -> None:
        assert "metrics" not in self._stderr("asgi", {"METRICS_PORT": ""})

    @staticmethod
    def _stderr(entry_point: str, variables: dict[str, str]) -> str:
        return subprocess.run(
            [sys.executable, "-c", f"import backend.config.{entry_point}"],
            env=Uncovered.environment(**variables),
            capture_output=True,
            text=True,
            check=True,
        ).stderr
