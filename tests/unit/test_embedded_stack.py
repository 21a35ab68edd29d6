"""The launcher as a person meets it: started, killed, asked to stop, and shown a video."""

import contextlib
import fcntl
import json
import os
import pty
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from backend.embedded.guard import Identity, Kernel
from backend.embedded.servers.postgres import PostgresAccount
from tests.ports import TestPorts

NOBODY = 65_534
PROJECT = Path(__file__).parents[2]


class Launch:
    """`make run` or `make demo` on the stand-in stack, in a process of its own."""

    NAMES = ("api", "worker", "postgres", "mongo", "redis", "s3")

    def __init__(
        self,
        folder: Path,
        command: str,
        ports: dict[str, str],
        *,
        as_nobody: bool = False,
        through_make: bool = False,
        terminal: int | None = None,
    ) -> None:
        self.folder = folder
        passed = {
            name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ
        }
        self._output = (folder / f"{command}.out").open("a+")
        words = [sys.executable, "-m", "tests.fakes.standin_stack", command]
        words.append(str(folder / ".data"))
        self.process = subprocess.Popen(
            self._recipe(words) if through_make else words,
            cwd=PROJECT,
            env={**passed, **ports, "PYTHONPATH": str(PROJECT)},
            stdin=terminal,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=self._nobody if as_nobody else self._take_terminal,
        )

    def output(self) -> str:
        return (self.folder / Path(self._output.name).name).read_text()

    def says(self, text: str, seconds: float = 40.0) -> bool:
        deadline = time.monotonic() + seconds
        while text not in self.output():
            if time.monotonic() > deadline or self.process.poll() is not None:
                return text in self.output()
            time.sleep(0.05)
        return True

    def pids(self) -> list[int]:
        files = [self.folder / ".data/run" / f"{name}.pid" for name in self.NAMES]
        return [int(file.read_text()) for file in files] + [self.detached_child()]

    def detached_child(self, seconds: float = 20.0) -> int:
        """The worker may still be starting when the API serves."""
        file = self.folder / ".data/staging/child.pid"
        deadline = time.monotonic() + seconds
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)
        return int(file.read_text())

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self._output.close()

    def _recipe(self, words: list[str]) -> list[str]:
        makefile = self.folder / "Makefile"
        makefile.write_text(f"launch:\n\t@exec {shlex.join(words)}\n")
        return ["make", "--file", str(makefile)]

    def _take_terminal(self) -> None:
        """What a terminal starts owns it; anything else has none to take."""
        if os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _nobody(self) -> None:
        """An ordinary user, who can read the interpreter and the project wherever they lie."""
        account = PostgresAccount(PROJECT / "backend", Path(sys.executable))
        chosen = account.choose()
        assert chosen is not None
        Identity(chosen.uid, chosen.gid, chosen.capability).assume(Kernel())


@pytest.fixture
def ports() -> dict[str, str]:
    free = TestPorts()
    names = ("API_PORT", "MONGO_PORT", "REDIS_PORT", "S3_PORT")
    return {name: str(free.port(name)) for name in names}


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="mediaproject-stack-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def launch(folder: Path) -> Iterator[Callable[..., Launch]]:
    with contextlib.ExitStack() as launches:

        def start(*arguments: object, **options: object) -> Launch:
            launched = Launch(folder, *arguments, **options)  # type: ignore[arg-type]
            launches.callback(launched.close)
            return launched

        yield start


def are_gone_within(seconds: float, pids: list[int]) -> bool:
    deadline = time.monotonic() + seconds
    while any(psutil.pid_exists(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class TestRun:
    def test_it_survives_its_own_death_and_serves_the_demonstration(
        self, launch: Callable[..., Launch], ports: dict[str, str]
    ) -> None:
        first = launch("run", ports)
        assert first.says("Swagger UI"), first.output()
        pids = first.pids()
        first.process.kill()
        assert are_gone_within(15, pids)

        began = time.monotonic()
        second = launch("run", ports)
        assert second.says("worker | the worker works"), second.output()
        assert time.monotonic() - began < 60

        api, child = second.pids()[0], second.detached_child()
        os.kill(second.pids()[1], signal.SIGKILL)
        os.kill(api, signal.SIGKILL)
        assert are_gone_within(20, [child])
        assert second.says("worker is back")
        assert second.says("api is back")

        # Nobody has to tell a demonstration which ports the system was given.
        results = [self._demonstrate(launch, told) for told in (ports, {})]
        assert [result["verified"] for result in results] == [True, True]
        assert [result["deduplicated"] for result in results] == [False, True]
        assert results[0]["uuid"] == results[1]["uuid"]
        assert str(results[0]["miniature_url"]).endswith(str(results[0]["uuid"]))

        pids = second.pids()
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(15) == 0
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert list((second.folder / ".data/run").glob("*.pid")) == []

    @pytest.mark.parametrize(
        "number",
        [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.faults)],
    )
    def test_a_wish_to_stop_that_is_heard_twice_damages_nothing(
        self, launch: Callable[..., Launch], ports: dict[str, str], number: int
    ) -> None:
        first = launch("run", ports, through_make=True)
        assert first.says("Swagger UI"), first.output()
        pids = first.pids()
        for _ in range(2):
            os.killpg(first.process.pid, number)
            time.sleep(0.2)
        first.process.wait(20)
        assert are_gone_within(20, pids)

        (first.folder / "run.out").unlink()
        second = launch("run", ports)
        assert second.says("postgres is ready"), second.output()
        log = (second.folder / ".data/log/postgres.log").read_text()
        assert "database system was shut down at" in log
        assert "not properly shut down" not in log

    def test_a_second_ctrl_c_means_haste(
        self, launch: Callable[..., Launch], ports: dict[str, str]
    ) -> None:
        run = launch("run", ports)
        assert run.says("Swagger UI"), run.output()
        pids = run.pids()
        os.kill(pids[1], signal.SIGSTOP)  # The worker cannot end by itself.
        run.process.send_signal(signal.SIGINT)
        assert run.says("Stopping")
        time.sleep(1)
        began = time.monotonic()
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(20) == 0
        assert time.monotonic() - began < 9  # Without haste it takes ten.
        assert are_gone_within(20, pids)

    def test_it_ends_when_the_terminal_of_make_is_closed(
        self, launch: Callable[..., Launch], ports: dict[str, str]
    ) -> None:
        screen, terminal = pty.openpty()
        run = launch("run", ports, through_make=True, terminal=terminal)
        os.close(terminal)
        assert run.says("Swagger UI"), run.output()
        pids = run.pids()
        os.close(screen)
        assert are_gone_within(20, pids)
        run.process.wait(5)
        log = (run.folder / ".data/log/postgres.log").read_text()
        assert "database system is shut down" in log

    def _demonstrate(
        self, launch: Callable[..., Launch], ports: dict[str, str]
    ) -> dict[str, object]:
        demo = launch("demo", ports)
        assert demo.process.wait(40) == 0, demo.output()
        assert "Using the system that runs" in demo.output()
        result: dict[str, object] = json.loads(demo.output().splitlines()[-1])
        return result


class TestWhatCannotStart:
    def test_a_port_for_two_is_one_sentence_before_anything_starts(
        self, launch: Callable[..., Launch], ports: dict[str, str]
    ) -> None:
        run = launch("run", {**ports, "API_PORT": ports["S3_PORT"]})
        assert run.process.wait(20) == 1
        port = ports["S3_PORT"]
        assert run.output() == (
            f"Error: Port {port} is meant for api as well as s3: "
            "choose another with API_PORT=PORT or S3_PORT=PORT.\n"
        )


class TestDemo:
    def test_an_ordinary_user_sees_a_video_go_in_and_out(
        self, folder: Path, launch: Callable[..., Launch], ports: dict[str, str]
    ) -> None:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
        demo = launch("demo", ports, as_nobody=is_root)
        assert demo.process.wait(60) == 0, demo.output()
        result = json.loads(demo.output().splitlines()[-1])
        assert result["verified"] is True
        assert result["status"] == "ready"
        assert result["duration_seconds"] == 10.0
        assert (folder / ".data/postgres").stat().st_uid != 0
        assert list((folder / ".data/run").glob("*.pid")) == []
