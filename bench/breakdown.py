"""Where the time of a read and of a job goes: `python -m bench.breakdown`.

Prints tables for docs/performance.md. No peer takes part: what is compared is one part of
ours with the next.
"""

import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from backend.domain.freshness import FRESH_SECONDS
from bench.backlog import Backlog
from bench.load import Target, Turns, Wrk
from bench.ours import OurSystem
from bench.processes import Processes
from bench.questions import Question, Shelf
from bench.readiness import IDLE_SECONDS, SIZE_BYTES
from bench.sender import Multipart, Sender
from bench.server import Server
from bench.video import LargeVideo
from bench.workers import OurWorker

PROJECT = Path(__file__).parents[1]
WORK = PROJECT / ".data" / f"breakdown-{os.getpid()}"
READ_ROWS = 100_000
READ_SECONDS = 2
ROUNDS = 6
UPLOADS = 20
BACKLOG_MEDIA = 100
BACKLOG_ROUNDS = 3
# Processes and threads of each.
FLEETS = ((1, 4), (1, 8), (1, 16), (2, 8))
_WAITS = """
    SELECT job.kind,
           extract(epoch FROM attempt.started_at - job.queued_at)::float * 1000,
           extract(epoch FROM attempt.ended_at - attempt.started_at)::float * 1000
      FROM job JOIN job_attempt attempt ON attempt.job_id = job.uuid
     WHERE job.media_id = %s AND attempt.outcome = 'succeeded'
"""


class Table:
    """Markdown."""

    @staticmethod
    def print(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for cells in (head, ["---"] * len(head), *rows):
            print(f"| {' | '.join(cells)} |")
        print(flush=True)


class BareApp:
    """What uvicorn alone costs: an application that answers the same bytes at once."""

    PART = "uvicorn and an application of two lines"

    @classmethod
    @contextmanager
    def running(cls, answer_bytes: int) -> Iterator[Target]:
        environment = {**os.environ, "ANSWER_BYTES": str(answer_bytes)}
        with Server.running(cls._command, environment, PROJECT) as server:
            processes = Processes([server.pid])
            yield Target(cls.PART, server.url, {}, processes, processes)

    @staticmethod
    def _command(port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "bench.bare_app:application"),
            *("--port", str(port), "--loop", "uvloop", "--http", "httptools"),
            *("--log-level", "warning", "--no-access-log", "--no-server-header"),
        ]


class ReadParts:
    """Each part with all before it: what it adds is the difference."""

    STORES = ("redis", "postgres")

    def __init__(self, system: OurSystem, folder: Path) -> None:
        self._system = system
        self._api = system.processes("api")
        self._stores = [system.processes(name) for name in self.STORES]
        self._wrk = Wrk(folder, READ_SECONDS)

    def print(self, question: Question) -> None:
        ours = self._target()
        self._api.pin(0)
        ways: list[tuple[str, Target, Turns]] = [
            ("`GET /ping/`", ours, Turns(["/ping/"])),
            (f"{question.name}, in cache", ours, Turns([question.cached])),
            (f"{question.name}, cold", ours, Turns(question.cold, FRESH_SECONDS)),
        ]
        size = len(self._system.read(question.cached).content)
        with BareApp.running(size) as bare:
            bare.server.pin(0)
            ways.insert(0, (BareApp.PART, bare, Turns(["/"])))
            samples = [[self._costs(*way[1:]) for way in ways] for _ in range(ROUNDS)]
        rows = [
            [way[0], *self._cells([round_[number] for round_ in samples[1:]])]
            for number, way in enumerate(ways)
        ]
        Table.print(["Read", "requests/s", "API ms", "Redis ms", "PostgreSQL ms"], rows)

    def _target(self) -> Target:
        everything = self._system.processes("api", *self.STORES)
        system = self._system
        return Target(system.name, system.url, system.headers, self._api, everything)

    def _costs(self, target: Target, turns: Turns) -> Sequence[float]:
        """Requests in a second, then milliseconds of each process for one."""
        processes = [target.server, *self._stores]
        before = [each.seconds() for each in processes]
        sample = self._wrk.run(target, turns)
        requests = sample.figure * READ_SECONDS
        used = [
            each.seconds() - was for each, was in zip(processes, before, strict=True)
        ]
        return [sample.figure, *(seconds / requests * 1000 for seconds in used)]

    @staticmethod
    def _cells(samples: Sequence[Sequence[float]]) -> Iterator[str]:
        rate, *costs = (
            statistics.median(column) for column in zip(*samples, strict=True)
        )
        yield f"{rate:,.0f}"
        yield from (f"{cost:.3f}" for cost in costs)


class JobWaits:
    """How soon each job of an upload begins, and how long it takes, by the ledger."""

    def __init__(self, system: OurSystem, folder: Path) -> None:
        self._system = system
        self._video = LargeVideo(folder / "video.mp4", SIZE_BYTES)

    def print(self) -> None:
        self._video.make()
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(UPLOADS):
            for kind, wait, work in self._of_one():
                found.setdefault(kind, []).append((wait, work))
        rows = [[f"`{kind}`", *self._cells(times)] for kind, times in found.items()]
        Table.print(["Job", "Picked up after ms (most)", "Works ms (most)"], rows)

    def _of_one(self) -> Sequence[tuple[Any, ...]]:
        self._video.renew()
        time.sleep(IDLE_SECONDS)
        system = self._system
        sender = Sender(f"{system.url}/media/", system.headers, Multipart())
        identity = json.loads(sender.send(self._video.path).body)["uuid"]
        system.until_quiet(identity)
        with psycopg.connect(system.database) as connection:
            return connection.execute(_WAITS, [identity]).fetchall()

    @staticmethod
    def _cells(times: Sequence[tuple[float, float]]) -> Iterator[str]:
        for column in zip(*times, strict=True):
            yield f"{statistics.median(column):.0f} ({max(column):.0f})"


class Concurrency:
    """Small media through both jobs, by workers of several sizes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def print(self) -> None:
        rows = [[f"{p} x {t}", self._rate(p, t)] for p, t in FLEETS]
        Table.print(["Processes x threads", "media/s (least to most)"], rows)

    def _rate(self, processes: int, threads: int) -> str:
        command = OurWorker.command(processes, threads)
        folder = self._folder / "fleet"
        with OurSystem.running(folder, worker=command) as system:
            backlog = Backlog(system, self._folder)
            system.stack.stop_process("worker")
            with OurWorker.running(system) as worker:
                rates = [self._once(backlog, worker) for _ in range(BACKLOG_ROUNDS + 1)]
        known = rates[1:]  # The first has started what is started once.
        return f"{statistics.median(known):.1f} ({min(known):.1f} to {max(known):.1f})"

    @staticmethod
    def _once(backlog: Backlog, worker: OurWorker) -> float:
        media = backlog.fill(BACKLOG_MEDIA)
        worker.tell(media)
        return BACKLOG_MEDIA / backlog.seconds(media)


class Breakdown:
    """All tables, one after the other."""

    def print(self) -> None:
        """Raises `LoadFailed` where there is no wrk."""
        Wrk.require()
        WORK.mkdir(parents=True)
        try:
            with OurSystem.running(WORK / "ours") as system:
                JobWaits(system, WORK).print()
                shelf = Shelf(system.database, READ_ROWS)
                shelf.fill()
                for question in shelf.questions():
                    ReadParts(system, WORK).print(question)
            Concurrency(WORK).print()
        finally:
            shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    Breakdown().print()
