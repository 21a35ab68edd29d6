"""`make demo` and `make run` as a newcomer meets them, on ports of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.videos import Videos
from tests.ports import TestPorts

PROJECT = Path(__file__).resolve().parents[2]
NAMES = ("api", "worker", "postgres", "mongo", "redis", "s3")


class Newcomer:
    """Runs the commands in one data folder, like somebody in one checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ports = TestPorts()
        self.api_port = ports.port("api")
        own = (
            "SECRET_KEY",
            "JWT_SIGNING_KEY",
            "DATABASE_URL",
            "MONGO_URL",
            "REDIS_URL",
        )
        # Newcomers do not measure what is covered, which would make them wait.
        kinds = ("S3_", "STAGING_", "CDN_", "COVERAGE_")
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name not in own and not name.startswith(kinds)
            },
            "API_PORT": str(self.api_port),
            "S3_PORT": str(ports.port("s3")),
            "MONGO_PORT": str(ports.port("mongo")),
            "REDIS_PORT": str(ports.port("redis")),
            "STAGING_FLOOR_BYTES": "0",
        }

    def start(self, command: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "backend.embedded", command),
                *("--data", str(self.folder), *words),
            ],
            cwd=PROJECT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def demo(self, video: Path) -> dict[str, Any]:
        process = self.start("demo", "--video", str(video))
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        return result

    def pids(self) -> dict[str, int]:
        files = {name: self.folder / "run" / f"{name}.pid" for name in NAMES}
        return {
            name: int(file.read_text()) for name, file in files.items() if file.exists()
        }

    def is_live(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.api_port}/health/live/"
            return httpx.get(address, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


class Eventually:
    """Waits for what has to become true, and fails when it does not in time."""

    @staticmethod
    def holds(what: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    return Newcomer(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Videos(tmp_path_factory.mktemp("video")).new()


class TestDemo:
    def test_a_video_goes_in_and_out(self, newcomer: Newcomer, video: Path) -> None:
        result = newcomer.demo(video)
        assert result["verified"] is True
        assert result["status"] == "ready"
        assert result["deduplicated"] is False
        assert result["duration_seconds"] == pytest.approx(2.0, abs=0.2)
        assert "/miniatures/" in result["miniature_url"]
        assert newcomer.pids() == {}

    def test_a_video_that_is_not_there_is_one_sentence(
        self, newcomer: Newcomer
    ) -> None:
        process = newcomer.start("demo", "--video", "/nonexistent.mp4")
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "There is no video file /nonexistent.mp4" in output
        assert "Traceback" not in output


class TestRun:
    @pytest.fixture
    def running(self, newcomer: Newcomer) -> Iterator[subprocess.Popen[str]]:
        process = newcomer.start("run")
        try:
            Eventually.holds(newcomer.is_live, seconds=60)
            Eventually.holds(lambda: set(newcomer.pids()) == set(NAMES), seconds=30)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=30)

    def test_demo_uses_the_system_that_runs_and_sigterm_ends_everything(
        self, newcomer: Newcomer, running: subprocess.Popen[str], video: Path
    ) -> None:
        pids = newcomer.pids()
        first, second = newcomer.demo(video), newcomer.demo(video)
        assert first["verified"] is second["verified"] is True
        assert second["deduplicated"] is True
        for known in ("uuid", "cdn_url", "miniature_url"):
            assert second[known] == first[known]
        assert newcomer.pids() == pids
        assert self._mode(newcomer.folder / "demo-accounts.json") == 0o600

        running.terminate()
        assert running.wait(30) == 0
        assert not any(self._lives(pid) for pid in pids.values())

    @pytest.mark.faults
    def test_killed_outright_it_leaves_nothing_running_and_nothing_damaged(
        self, newcomer: Newcomer, running: subprocess.Popen[str], video: Path
    ) -> None:
        assert newcomer.demo(video)["verified"] is True
        pids = newcomer.pids()
        running.send_signal(signal.SIGKILL)
        Eventually.holds(
            lambda: not any(self._lives(pid) for pid in pids.values()), seconds=20
        )
        result = newcomer.demo(video)
        assert result["deduplicated"] is True
        assert result["verified"] is True

    @staticmethod
    def _mode(path: Path) -> int:
        return path.stat().st_mode & 0o777

    @staticmethod
    def _lives(pid: int) -> bool:
        return Path(f"/proc/{pid}").exists()
