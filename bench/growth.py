"""What pages and searches cost as a library grows."""

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.comparison import AtMostTimes, Pair, Result, Sample, Work
from bench.growth_libraries import GrownLibrary, Libraries
from bench.library import TaggedTitles
from bench.peers.environment import PeerEnvironment
from bench.processes import LivingThreads
from bench.scale import Scale
from bench.trial import FAILURES, Reason

ASKED = 40
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Asked:
    """One way of asking, at one size: milliseconds of an answer in each round."""

    rows: int
    way: str
    samples: Sequence[Sample]


class Stopwatch:
    """Times single answers of one library."""

    def __init__(self, library: GrownLibrary) -> None:
        self.rows = library.rows
        self._library = library
        self._threads = LivingThreads(library.pids)
        self._milliseconds: list[float] = []
        self._processor_seconds = 0.0

    def ask(self, way: str, number: int) -> None:
        """Processor time is that of the API and of PostgreSQL."""
        used = self._threads.seconds()
        began = time.perf_counter()
        self._library.ask(way, number)
        self._milliseconds.append((time.perf_counter() - began) * 1000)
        self._processor_seconds += self._threads.seconds() - used

    def sample(self) -> Sample:
        """The median: a single answer may have been in the way of anything."""
        count = len(self._milliseconds)
        median = statistics.median(self._milliseconds)
        return Sample(median, self._processor_seconds / count)


class Picture:
    """A PNG of how times grow, drawn where matplotlib is."""

    def __init__(self, path: Path, environment: PeerEnvironment) -> None:
        self._path = path
        self._environment = environment

    def draw(self, asked: Sequence[Asked]) -> None:
        """Raises `subprocess.CalledProcessError`."""
        self._environment.prepare()
        curves: dict[str, list[tuple[int, Sequence[float]]]] = {}
        for one in asked:
            times = [sample.figure for sample in one.samples]
            curves.setdefault(one.way, []).append((one.rows, times))
        subprocess.run(
            [
                str(self._environment.python),
                str(PEERS / "growth_picture.py"),
                str(self._path),
            ],
            input=json.dumps(curves),
            text=True,
            check=True,
        )


class GrowthRows:
    """One database of each size and an API on each, without Redis: PostgreSQL makes
    every answer. Sizes are asked in turn, one answer of each, up and down.
    """

    def __init__(
        self, folder: Path, scale: Scale, environment: PeerEnvironment, picture: Path
    ) -> None:
        self._folder = folder
        self._sizes = scale.growth_rows
        self._pairs = scale.growth_pairs
        self._picture = Picture(picture, environment)

    def run(self) -> Iterator[Result]:
        try:
            asked = self._measured()
        except FAILURES as error:
            reason = Reason.of(error)
            for way, least in self._compared():
                yield Result.failed(self._work(way, least), reason)
        else:
            for way, least in self._compared():
                yield self._result(way, least, asked)
            self._picture.draw(asked)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _measured(self) -> list[Asked]:
        with ExitStack() as running:
            libraries = running.enter_context(Libraries.running(self._folder))
            grown = [
                running.enter_context(libraries.grown(size)) for size in self._sizes
            ]
            samples: dict[tuple[int, str], list[Sample]] = {}
            for _ in range(self._pairs + 1):
                for way in GrownLibrary.WAYS:
                    for rows, sample in self._round(grown, way):
                        samples.setdefault((rows, way), []).append(sample)
        # The first round has filled pools and caches.
        return [Asked(*key, values[1:]) for key, values in samples.items()]

    @staticmethod
    def _round(grown: Sequence[GrownLibrary], way: str) -> Iterator[tuple[int, Sample]]:
        """An answer of each size, up and down, so that all have the same disturbances."""
        watches = [Stopwatch(library) for library in grown]
        for number in range(ASKED):
            for watch in watches if number % 2 else reversed(watches):
                watch.ask(way, number)
        for watch in watches:
            yield watch.rows, watch.sample()

    def _compared(self) -> Iterator[tuple[str, int]]:
        """Each way with the least size; what is capped also with the least that is:
        below it grows, as promised totals are exact there."""
        for way in GrownLibrary.WAYS:
            yield way, self._sizes[0]
        for size in self._sizes[:-1]:
            if size >= TaggedTitles.CAPPED_FROM:
                yield GrownLibrary.MANY, size
                return

    def _result(self, way: str, least: int, asked: Sequence[Asked]) -> Result:
        of_way = {one.rows: one.samples for one in asked if one.way == way}
        both = zip(of_way[self._sizes[-1]], of_way[least], strict=True)
        pairs = [Pair(mine, small) for mine, small in both]
        return Result.of(self._work(way, least), pairs)

    def _work(self, way: str, least: int) -> Work:
        name = f"{way}, cold, {least:,} to {self._sizes[-1]:,} media"
        return Work(name, f"itself with {least:,}", "ms", AtMostTimes(1.2))
