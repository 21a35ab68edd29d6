"""`make bench` and `make bench-quick`: us and our peers, side by side.

Two runs that are compared come right after one another, and their order changes from
pair to pair: A B, B A. The load generator has the last core and the server the first;
stores and kernel go where there is room. Processor seconds are those of server,
PostgreSQL and Redis together.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psycopg

from backend.embedded.errors import EmbeddedError
from backend.embedded.run import Parent
from bench.comparison import (
    Goal,
    MarkdownTable,
    MeasuredPage,
    Pair,
    Result,
    ResultsFile,
    Sample,
    Work,
)
from bench.load import LoadFailed, Target, Wrk
from bench.measures import Machine
from bench.peers.environment import PeerEnvironment
from bench.questions import Equivalence, NotEquivalent, Question, Shelf
from bench.readers import DrfReader, FastApiReader, OurSystem, Reader
from bench.upload import Comparison, Run, UploadBench
from bench.video import MEBIBYTE

PROJECT = Path(__file__).parents[1]
WORK = PROJECT / ".data" / "bench-all"
RESULTS = Path(__file__).parent / "results.json"
PAGE = PROJECT / "docs" / "performance.md"
READ_GOALS = {
    "GET one media": (4.0, 1.5, 10.0),
    "GET list of 20": (5.0, 1.5, 10.0),
    "search": (10.0, 2.0, 10.0),
}
FAILURES = (
    EmbeddedError,
    LoadFailed,
    NotEquivalent,
    OSError,
    RuntimeError,
    TimeoutError,
    httpx.HTTPError,
    psycopg.Error,
    subprocess.SubprocessError,
)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rows: int
    pairs: int
    seconds: int
    upload_mebibytes: int
    upload_pairs: int


FULL = Scale(100_000, 12, 3, 1024, 6)
QUICK = Scale(100_000, 2, 2, 256, 2)


class Interleaving:
    """Runs of two, in pairs whose order changes: A B, B A."""

    def __init__(self, pairs: int) -> None:
        self._pairs = pairs

    def run(
        self, ours: Callable[[], Sample], theirs: Callable[[], Sample]
    ) -> list[Pair]:
        return [self._pair(number, ours, theirs) for number in range(self._pairs)]

    @staticmethod
    def _pair(
        number: int, ours: Callable[[], Sample], theirs: Callable[[], Sample]
    ) -> Pair:
        if number % 2 == 0:
            first = ours()
            return Pair(first, theirs())
        other = theirs()
        return Pair(ours(), other)


class ReadBench:
    """One media, lists and searches, beside every peer."""

    def __init__(self, scale: Scale, environment: PeerEnvironment) -> None:
        self._scale = scale
        self._environment = environment
        self._wrk = Wrk(WORK, scale.seconds)
        self._interleaving = Interleaving(scale.pairs)

    def run(self) -> Iterator[Result]:
        Wrk.require()
        with OurSystem.running(WORK / "ours") as system:
            shelf = Shelf(system.database, self._scale.rows)
            user = shelf.fill()
            ours = system.target()
            questions = shelf.questions()
            for kind in (FastApiReader, DrfReader):
                reader = kind(self._environment, system.database)
                yield from self._beside(ours, reader, user, system.stores, questions)

    def _beside(
        self,
        ours: Target,
        reader: Reader,
        user: str,
        stores: Sequence[int],
        questions: Sequence[Question],
    ) -> Iterator[Result]:
        try:
            with reader.running(user, stores) as peer:
                if (os.cpu_count() or 1) > 1:
                    ours.server.pin(0)
                    peer.server.pin(0)
                for question in questions:
                    yield from self._asked(ours, peer, question)
        except FAILURES as error:
            for work, _ in self._works(reader.name, questions):
                yield Result.failed(work, str(error))

    def _asked(
        self, ours: Target, peer: Target, question: Question
    ) -> Iterator[Result]:
        for work, paths in self._works(peer.name, [question]):
            try:
                Equivalence().check(ours, peer, question)
                for target in (ours, peer):
                    self._wrk.run(target, paths)  # Pools and plans are there after it.
                pairs = self._interleaving.run(
                    partial(self._wrk.run, ours, paths),
                    partial(self._wrk.run, peer, paths),
                )
                yield Result.of(work, pairs)
            except FAILURES as error:
                yield Result.failed(work, str(error))

    @staticmethod
    def _works(
        peer: str, questions: Sequence[Question]
    ) -> Iterator[tuple[Work, Sequence[str]]]:
        for question in questions:
            cached, cold, beside_drf = READ_GOALS[question.name]
            ways: list[tuple[str, Sequence[str], float]] = [
                ("in cache", [question.cached], cached),
                ("cold", question.cold, cold),
            ]
            if peer == DrfReader.name:
                ways = [("in cache", [question.cached], beside_drf)]
            for way, paths, goal in ways:
                name = f"{question.name}, {way}"
                yield Work(name, peer, "requests/s", Goal(goal)), paths


class UploadRows:
    """A large video with its hash and the same fsync, beside `UploadFile`."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale

    def run(self) -> Iterator[Result]:
        size = self._scale.upload_mebibytes
        work = Work(
            f"POST {size} MiB video, hash stored, same fsync",
            "FastAPI UploadFile",
            "MiB/s",
            Goal(2.5),
        )
        bench = UploadBench(
            size * MEBIBYTE, self._scale.upload_pairs, Machine(patience_seconds=10.0)
        )
        try:
            yield Result.of(work, self._pairs(Comparison(bench.with_fsync(), True)))
        except FAILURES as error:
            yield Result.failed(work, str(error))

    def _pairs(self, comparison: Comparison) -> list[Pair]:
        return [
            Pair(self._sample(ours), self._sample(theirs))
            for ours, theirs in comparison.pairs
        ]

    @staticmethod
    def _sample(run: Run) -> Sample:
        cost = run.own_processor / (run.mebibytes_per_second * run.seconds)
        return Sample(run.mebibytes_per_second, cost)


class Program:
    """The command line."""

    def main(self) -> int:
        Parent().follow()
        # What was started is stopped on the way out.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        options = self._options()
        scale = QUICK if options.quick else FULL
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        try:
            Wrk.require()
            results = list(self._results(scale))
        except FAILURES as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
        finally:
            shutil.rmtree(WORK, ignore_errors=True)
        self._tell(results, scale, options.page)
        return 0

    @staticmethod
    def _results(scale: Scale) -> Iterator[Result]:
        # Kept between runs: to install it takes longer than some of them.
        environment = PeerEnvironment(PROJECT / ".data" / "bench-peers")
        environment.prepare()
        for rows in (ReadBench(scale, environment).run(), UploadRows(scale).run()):
            for result in rows:
                print(MarkdownTable().text([result]).splitlines()[-1], flush=True)
                yield result

    @staticmethod
    def _tell(results: Sequence[Result], scale: Scale, page: bool) -> None:
        ResultsFile(RESULTS).write(results)
        table = MarkdownTable().text(results)
        said = (
            f"{scale.pairs} pairs of {scale.seconds} s, {scale.rows:,} media, "
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end."
        )
        print(f"\n{table}\n\n{said}")
        if page:
            MeasuredPage(PAGE).write(f"{said}\n\n{table}")

    @staticmethod
    def _options() -> argparse.Namespace:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--quick", action="store_true", help="in 4 minutes")
        parser.add_argument(
            "--page", action="store_true", help="also renew docs/performance.md"
        )
        return parser.parse_args()


if __name__ == "__main__":
    sys.exit(Program().main())
