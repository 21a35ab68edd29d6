"""How fast a large upload is taken, beside FastAPI: `make bench-upload`.

Both run under uvicorn with the same loop and HTTP parser and one worker, hash with
SHA-256 and write to the same disk. One client sends the same file to both in turn, every
time with other bytes, and checks the hash that it is answered. Ours also recognises the
container, writes blob, media and jobs to PostgreSQL and rings for a worker; its jobs end
before the next upload begins, and each waits for the machine to come to rest.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.contenders import Contender, FastApiPeer, OurApi
from bench.measures import Machine, Meter, Pings
from bench.peers.environment import PeerEnvironment
from bench.sender import Sender
from bench.video import MEBIBYTE, LargeVideo

PROJECT = Path(__file__).parents[1]
WORK = PROJECT / ".data" / "bench"
RESULTS = Path(__file__).parent / "results" / "upload.json"
IDLE_SECONDS = 2.0


@dataclass(frozen=True)
class Run:
    """One upload; pings in milliseconds, processor time in seconds."""

    contender: str
    fsync: bool
    seconds: float
    mebibytes_per_second: float
    ping_p50: float
    ping_p99: float
    ping_most: float
    pings: int
    own_processor: float
    other_processor: float
    peak_mebibytes: float
    load: float
    was_idle: bool


class UploadMeasurement:
    """Sends one video to one contender and notes everything about it."""

    def __init__(self, contender: Contender, fsync: bool, machine: Machine) -> None:
        self._contender = contender
        self._fsync = fsync
        self._machine = machine
        self._sender = Sender(f"{contender.url}/media/", dict(contender.headers))

    def idle_p99(self) -> float:
        """What a ping takes while nothing else is asked."""
        with Pings(self._contender.url) as pings:
            time.sleep(IDLE_SECONDS)
        return pings.percentile(99)

    def run(self, video: LargeVideo) -> Run:
        """Raises `RuntimeError` unless exactly these bytes were taken."""
        sha256 = video.renew()
        was_idle = self._machine.until_idle()
        load = os.getloadavg()[0]
        meter = Meter(self._contender.pid)
        meter.begin()
        with Pings(self._contender.url) as pings:
            sent = self._sender.send(video.path)
        cost = meter.read()
        if sent.status != 201 or sent.body.get("sha256") != sha256:
            raise RuntimeError(f"{self._contender.name} answered {sent}")
        self._contender.settle(sent.body)
        return Run(
            contender=self._contender.name,
            fsync=self._fsync,
            seconds=sent.seconds,
            mebibytes_per_second=video.size_bytes / MEBIBYTE / sent.seconds,
            ping_p50=pings.percentile(50),
            ping_p99=pings.percentile(99),
            ping_most=pings.percentile(100),
            pings=len(pings.milliseconds),
            own_processor=cost.own_seconds,
            other_processor=cost.other_seconds,
            peak_mebibytes=meter.peak_mebibytes(),
            load=load,
            was_idle=was_idle,
        )


class Comparison:
    """All runs of one setting, in pairs; ours is the first of the contenders."""

    def __init__(self, runs: Sequence[Run], fsync: bool) -> None:
        self.fsync = fsync
        self.runs = [run for run in runs if run.fsync == fsync]

    @property
    def pairs(self) -> list[tuple[Run, Run]]:
        """Ours, and the peer's right before or after it."""
        ours = [run for run in self.runs if run.contender == OurApi.name]
        theirs = [run for run in self.runs if run.contender != OurApi.name]
        return list(zip(ours, theirs, strict=True))

    @property
    def ratios(self) -> list[float]:
        """How many times faster ours was, pair by pair."""
        return [peer.seconds / own.seconds for own, peer in self.pairs]

    def summary(self) -> dict[str, Any]:
        return {
            "fsync": self.fsync,
            "ratio_median": statistics.median(self.ratios),
            "ratio_least": min(self.ratios),
            "ratio_most": max(self.ratios),
        }


class Table:
    """The results as a person reads them."""

    HEAD = (
        "contender            fsync   seconds   MiB/s   ping p50/p99/max ms"
        "   CPU s   others' CPU s   peak MiB   load"
    )

    def line(self, run: Run) -> str:
        pings = f"{run.ping_p50:.1f}/{run.ping_p99:.1f}/{run.ping_most:.1f}"
        return (
            f"{run.contender:20} {'on' if run.fsync else 'off':5} {run.seconds:9.2f} "
            f"{run.mebibytes_per_second:7.0f}   {pings:>19} {run.own_processor:7.2f} "
            f"{run.other_processor:15.2f} {run.peak_mebibytes:10.0f} {run.load:6.1f}"
            f"{'' if run.was_idle else '  (machine was busy)'}"
        )

    def verdict(self, comparison: Comparison) -> str:
        said = comparison.summary()
        return (
            f"fsync {'on' if comparison.fsync else 'off'}: "
            f"{said['ratio_median']:.2f} times the throughput (median of "
            f"{len(comparison.ratios)} pairs, {said['ratio_least']:.2f} to "
            f"{said['ratio_most']:.2f})"
        )


class UploadBench:
    """Rounds of A B, then B A, so that neither is always the first."""

    WARM_UP_BYTES = 64 * MEBIBYTE

    def __init__(self, size_bytes: int, rounds: int, machine: Machine) -> None:
        self._video = LargeVideo(WORK / "video.mp4", size_bytes)
        self._short = LargeVideo(WORK / "short.mp4", self.WARM_UP_BYTES)
        self._rounds = rounds
        self._machine = machine
        self._environment = PeerEnvironment(PROJECT / ".data" / "bench-peers")
        self._table = Table()

    def run(self) -> list[Run]:
        return self._settings([False, True])

    def with_fsync(self) -> list[Run]:
        return self._settings([True])

    def _settings(self, fsyncs: Sequence[bool]) -> list[Run]:
        WORK.mkdir(parents=True, exist_ok=True)
        self._environment.prepare()
        self._video.make()
        self._short.make()
        print(self._table.HEAD, flush=True)
        try:
            return [run for fsync in fsyncs for run in self._setting(fsync)]
        finally:
            self._video.path.unlink(missing_ok=True)
            self._short.path.unlink(missing_ok=True)

    def _setting(self, fsync: bool) -> Iterator[Run]:
        with ExitStack() as running:
            ours = running.enter_context(OurApi.running(WORK / "ours", fsync))
            peer = running.enter_context(
                FastApiPeer.running(self._environment, WORK / "fastapi", fsync)
            )
            pair = [
                UploadMeasurement(contender, fsync, self._machine)
                for contender in (ours, peer)
            ]
            for measurement in pair:
                measurement.run(self._short)
                print(f"idle ping p99 {measurement.idle_p99():.1f} ms", flush=True)
            for number in range(self._rounds):
                for measurement in pair if number % 2 == 0 else reversed(pair):
                    run = measurement.run(self._video)
                    print(self._table.line(run), flush=True)
                    yield run


class Program:
    """The command line."""

    def main(self) -> None:
        options = self._options()
        machine = Machine(options.patience)
        bench = UploadBench(options.mebibytes * MEBIBYTE, options.rounds, machine)
        runs = bench.run()
        comparisons = [Comparison(runs, fsync) for fsync in (False, True)]
        for comparison in comparisons:
            print(Table().verdict(comparison))
        self._write(options.results, runs, comparisons)

    @staticmethod
    def _options() -> argparse.Namespace:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--mebibytes", type=int, default=2048)
        parser.add_argument("--rounds", type=int, default=4)
        parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS")
        parser.add_argument("--results", type=Path, default=RESULTS)
        return parser.parse_args()

    @staticmethod
    def _write(
        path: Path, runs: Sequence[Run], comparisons: Sequence[Comparison]
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        results = {
            "processors": os.cpu_count(),
            "comparisons": [comparison.summary() for comparison in comparisons],
            "runs": [asdict(run) for run in runs],
        }
        path.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    Program().main()
