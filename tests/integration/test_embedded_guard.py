"""Whatever a guarded process is or leaves, it does not outlive its supervisor or its stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from backend.embedded.errors import StartFailed
from backend.embedded.folders import DataFolder
from backend.embedded.launcher import Command, Launched, Launcher
from backend.embedded.leftovers import Leftovers

STUBBORN = """
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
pathlib.Path("child").write_text(f"{child.pid} ")
time.sleep(1000)
"""


FOLLOWING = """
from backend.embedded.run import Parent
import os, pathlib, signal, sys
Parent().follow()
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} ")
signal.pause()
"""


class TestParent:
    def test_a_launcher_ends_when_make_is_killed(self, tmp_path: Path) -> None:
        said = tmp_path / "pid"
        shell = f"'{sys.executable}' -c '{FOLLOWING}' '{said}'; true"
        with subprocess.Popen(
            ["sh", "-c", shell], cwd=Path(__file__).parents[2]
        ) as make:
            deadline = time.monotonic() + 10
            while not (said.exists() and said.read_text().endswith(" ")):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            launcher = psutil.Process(int(said.read_text()))
            make.kill()
        while launcher.is_running() and launcher.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.02)


class TestGuard:
    @pytest.fixture
    def data(self, tmp_path: Path) -> DataFolder:
        data = DataFolder(tmp_path / ".data")
        data.create()
        return data

    @pytest.fixture
    def stubborn(self, data: DataFolder) -> Command:
        return Command("stubborn", [sys.executable, "-c", STUBBORN], data.root, {})

    def test_what_does_not_listen_is_killed_with_all_it_left(
        self, data: DataFolder, stubborn: Command
    ) -> None:
        launched, pids = self._start(data, stubborn)
        began = time.monotonic()
        launched.stop(0.3)
        assert launched.wait() == 128 + signal.SIGKILL
        assert 0.3 <= time.monotonic() - began < 3
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert data.pid("stubborn") is None
        launched.close()

    def test_a_second_wish_hurries(self, data: DataFolder, stubborn: Command) -> None:
        launched, _ = self._start(data, stubborn)
        launched.stop(60)
        launched.stop(0)
        assert launched.wait() == 128 + signal.SIGKILL
        launched.close()

    def test_a_wish_to_stop_that_comes_at_once_is_not_lost(
        self, data: DataFolder
    ) -> None:
        sleeping = Command("sleeping", ["sleep", "1000"], data.root, dict(os.environ))
        began = time.monotonic()
        for _ in range(5):
            launched = Launcher(data).launch(sleeping)
            launched.stop(60)
            assert launched.wait() == 128 + signal.SIGTERM
            launched.close()
        assert time.monotonic() - began < 10

    def test_a_killed_process_takes_its_detached_child_along(
        self, data: DataFolder, stubborn: Command
    ) -> None:
        launched, pids = self._start(data, stubborn)
        psutil.Process(pids[0]).kill()
        assert launched.wait() == 128 + signal.SIGKILL
        assert not any(psutil.pid_exists(pid) for pid in pids)
        launched.close()

    def test_the_end_of_the_supervisor_ends_it(
        self, data: DataFolder, stubborn: Command
    ) -> None:
        stubborn.stop_seconds = 0.2
        launched, pids = self._start(data, stubborn)
        launched.close()
        launched.wait()
        assert not any(psutil.pid_exists(pid) for pid in pids)

    def test_what_a_killed_guard_leaves_is_found_at_the_next_start(
        self, data: DataFolder, stubborn: Command
    ) -> None:
        stubborn.stop_seconds = 0.2
        launched, pids = self._start(data, stubborn)
        psutil.Process(launched.guard_pid).kill()
        launched.wait()
        self._until(lambda: self._has_ended(pids[0]))
        leftovers = Leftovers(stubborn, str(data.pid_file("stubborn")))
        assert leftovers.find() == [pids[1]]
        leftovers.end()
        self._until(lambda: self._has_ended(pids[1]))
        launched.close()

    def test_a_missing_program_is_named(self, data: DataFolder) -> None:
        with pytest.raises(StartFailed, match="cannot start no-such-program"):
            Launcher(data).complete(Command("gone", ["no-such-program"], data.root, {}))

    def _start(self, data: DataFolder, command: Command) -> tuple[Launched, list[int]]:
        launched = Launcher(data).launch(command)
        child = data.root / "child"
        self._until(lambda: child.exists() and child.read_text().endswith(" "))
        pid = data.pid(command.name)
        assert pid is not None
        return launched, [pid, int(child.read_text())]

    def _has_ended(self, pid: int) -> bool:
        """Nobody may have collected it yet: its parent is gone."""
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)
