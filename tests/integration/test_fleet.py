"""The worker service as real processes: whoever is killed, exactly as many come back."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from backend.fleet.fleet import Fleet
from tests.black_hole import BlackHole
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.e2e.faults import until
from tests.media_http import Caller, Service
from tests.uncovered import Uncovered

PROCESSES = 2
# Of each process: one for each kind of job.
THREADS = 4


# A fleet of which one member finds its environment wrong, and one does not.
HALF = """
import os, sys
from backend.fleet.backoff import Backoff
from backend.fleet.fleet import Fleet
from backend.fleet.member import Member
wrong = [sys.executable, "-c", "raise SystemExit(78)"]
members = [Member(command, Backoff()) for command in (wrong, ["sleep", "120"])]
sys.exit(Fleet(members).run())
"""


class RunningFleet:
    """A fleet on the servers of this run, looked at from outside."""

    READY = "Worker process is ready for action"

    def __init__(self, log: Path, **environment: str) -> None:
        self._log = log
        with log.open("wb") as output:
            self._popen = subprocess.Popen(
                [
                    *(sys.executable, "-m", "backend.fleet"),
                    *("--processes", str(PROCESSES), "--threads", str(THREADS)),
                ],
                env=Uncovered.environment(
                    **{"DATABASE_URL": TestDatabase.url()} | environment
                ),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._process = psutil.Process(self._popen.pid)

    @classmethod
    @contextmanager
    def up(cls, log: Path, **environment: str) -> Iterator["RunningFleet"]:
        fleet = cls(log, **environment)
        try:
            fleet.until_ready(PROCESSES)
            yield fleet
        finally:
            fleet.end()

    @property
    def masters(self) -> list[psutil.Process]:
        return self._process.children()

    @property
    def workers(self) -> list[psutil.Process]:
        return [child for master in self.masters for child in master.children()]

    def family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float) -> int:
        return self._popen.wait(seconds)

    def until_ready(self, workers: int) -> None:
        """Until so many have come up since the start, and as many as are wanted live."""
        self.until(lambda: self._log.read_text().count(self.READY) >= workers)
        self.until(lambda: len(self.workers) == PROCESSES)

    def until(self, holds: Callable[[], bool], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not self._seen(holds):
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def end(self) -> None:
        for process in self._living(self.family() if self._is_there() else []):
            process.kill()
        self._popen.wait(10)

    def _is_there(self) -> bool:
        return self._popen.poll() is None

    @staticmethod
    def _seen(holds: Callable[[], bool]) -> bool:
        """Whoever ends while he is looked at has not been seen."""
        try:
            return holds()
        except psutil.NoSuchProcess:
            return False

    @staticmethod
    def _living(processes: list[psutil.Process]) -> list[psutil.Process]:
        return [process for process in processes if process.is_running()]


@pytest.fixture
def fleet(clean_database: TestDatabase, tmp_path: Path) -> Iterator[RunningFleet]:
    with RunningFleet.up(tmp_path / "fleet.log") as fleet:
        yield fleet


def is_over(process: psutil.Process) -> bool:
    return not process.is_running()


class TestDeath:
    async def test_of_a_worker_leaves_the_other_at_its_work(
        self, service: Service, clips: ClipMaker, fleet: RunningFleet
    ) -> None:
        operator = await service.signed_in("a@example.org", "media_operator")
        clip = clips.mp4(0.2)
        killed, other = fleet.workers
        killed.kill()

        media_id = await operator.uploaded(clip)
        while (media := (await operator.get(media_id)).json())["status"] != "ready":
            assert media["status"] in ("pending", "processing")
            await asyncio.sleep(0.05)

        assert len(fleet.workers) <= PROCESSES
        assert other.is_running()
        jobs = (await operator.get(media_id, "jobs/")).json()["items"]
        workers = {a["worker"] for job in jobs for a in job["attempts"]}
        assert {worker.rpartition(":")[2] for worker in workers} == {str(other.pid)}
        fleet.until_ready(PROCESSES + 1)
        assert killed.pid not in [worker.pid for worker in fleet.workers]

    @pytest.mark.faults
    def test_of_a_master_takes_its_worker_along(self, fleet: RunningFleet) -> None:
        masters, workers = fleet.masters, fleet.workers
        masters[0].kill()

        fleet.until(lambda: is_over(workers[0]), seconds=3)
        fleet.until_ready(PROCESSES + 1)
        assert workers[1] in fleet.workers
        assert len(fleet.family()) == 1 + 2 * PROCESSES

    @pytest.mark.faults
    def test_of_all_is_survived_too(self, fleet: RunningFleet) -> None:
        killed = fleet.family()[1:]
        for process in killed:
            process.kill()

        fleet.until_ready(2 * PROCESSES)
        assert all(map(is_over, killed))
        assert len(fleet.family()) == 1 + 2 * PROCESSES


class TestWrongEnvironment:
    def test_it_ends_with_the_sentence_that_says_what_is_wrong(
        self, tmp_path: Path
    ) -> None:
        log = tmp_path / "fleet.log"
        fleet = RunningFleet(log, JWT_SIGNING_KEY="short")
        try:
            assert fleet.wait(60) == os.EX_CONFIG
        finally:
            fleet.end()
        said = log.read_text()
        assert said.count("JWT_SIGNING_KEY: Value error, must have") == PROCESSES
        assert said.count("It is not started again.") == PROCESSES

    def test_found_by_one_that_comes_back_it_does_not_stop_the_others(
        self, tmp_path: Path
    ) -> None:
        log = tmp_path / "fleet.log"
        with log.open("wb") as output:
            fleet = subprocess.Popen(
                [sys.executable, "-c", HALF],
                stderr=output,
                env=Uncovered.environment(),
            )
        try:
            until(
                lambda: "It is not started again." in log.read_text(),
                30.0,
                "one is given up",
            )
            first, other = self._killed_and_back(psutil.Process(fleet.pid))
            assert first != other
            fleet.send_signal(signal.SIGTERM)
            assert fleet.wait(30) == os.EX_OK
            assert is_over(other)
        finally:
            fleet.kill()
            fleet.wait(10)

    @staticmethod
    def _killed_and_back(fleet: psutil.Process) -> tuple[psutil.Process, ...]:
        """The one that lived, and the one in its place."""
        (first,) = fleet.children()
        first.kill()
        until(lambda: first not in fleet.children(), 30.0, "it is dead")
        until(lambda: len(fleet.children()) == 1, 30.0, "another is there")
        return first, *fleet.children()


class TestEnd:
    def test_a_signal_ends_all_within_the_grace(self, fleet: RunningFleet) -> None:
        family = fleet.family()
        fleet.signal(signal.SIGTERM)

        assert fleet.wait(Fleet.GRACE_SECONDS + 1) == 0
        assert all(map(is_over, family))

    def test_who_does_not_end_is_killed_when_the_signal_comes_again(
        self, fleet: RunningFleet
    ) -> None:
        family = fleet.family()
        for process in family[1:]:
            process.suspend()
        fleet.signal(signal.SIGTERM)
        fleet.signal(signal.SIGINT)

        assert fleet.wait(Fleet.GRACE_SECONDS / 2) == 0
        assert all(map(is_over, family))

    def test_killed_outright_it_leaves_nobody(self, fleet: RunningFleet) -> None:
        family = fleet.family()
        fleet.signal(signal.SIGKILL)

        fleet.wait(3)
        fleet.until(lambda: all(map(is_over, family)), seconds=3)


@pytest.fixture
def fleet_without_store(
    clean_database: TestDatabase, tmp_path: Path
) -> Iterator[RunningFleet]:
    """One to which the object store is silent."""
    with BlackHole.open() as port:
        silent = f"http://127.0.0.1:{port}"
        with RunningFleet.up(tmp_path / "fleet.log", S3_ENDPOINT_URL=silent) as fleet:
            yield fleet


@pytest.mark.usefixtures("fleet_without_store")
class TestSilentStore:
    SECONDS = 15.0

    async def test_who_waits_for_it_leaves_threads_to_the_rest(
        self, service: Service, clips: ClipMaker
    ) -> None:
        operator = await service.signed_in("a@example.org", "media_operator")
        videos = [clips.mp4(0.2, seed=n) for n in range(PROCESSES * THREADS + 2)]
        taken = [await operator.uploaded(video) for video in videos]

        async with asyncio.timeout(self.SECONDS):
            for media_id in taken:
                await self._until_described(operator, media_id)

    @staticmethod
    async def _until_described(operator: Caller, media_id: UUID) -> None:
        jobs = {"extract_metadata": "queued"}
        while jobs["extract_metadata"] != "succeeded":
            await asyncio.sleep(0.05)
            jobs = (await operator.get(media_id)).json()["jobs"]
            assert jobs["upload_to_cdn"] in ("queued", "running")
