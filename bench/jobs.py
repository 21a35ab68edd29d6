"""Small media that become ready in a second, beside Celery."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from bench.backlog import Backlog
from bench.comparison import AtLeastTimes, Pair, Result, Sample, Work
from bench.ours import STORES, OurSystem
from bench.peers.environment import PeerEnvironment
from bench.processes import Processes
from bench.scale import Scale
from bench.trial import Interleaving, NotEquivalent, Trial
from bench.workers import CeleryWorker, OurWorker, Worker

WARM_UP_MEDIA = 10
Start = Callable[[], AbstractContextManager[Worker]]


class JobsRow:
    """A backlog through both actors, with one process, one after the other."""

    def __init__(
        self, folder: Path, scale: Scale, environment: PeerEnvironment
    ) -> None:
        self._folder = folder
        self._count = scale.backlog_media
        self._interleaving = Interleaving(scale.backlog_pairs)
        self._environment = environment
        self._work = Work(
            "small media through both actors, one worker process",
            CeleryWorker.name,
            "media/s",
            AtLeastTimes(1.5),
        )

    def run(self) -> Iterator[Result]:
        yield Trial.result(self._work, self._pairs)

    def _pairs(self) -> list[Pair]:
        try:
            with OurSystem.running(
                self._folder / "ours", worker=OurWorker.command()
            ) as system:
                system.stack.stop_process("worker")
                return self._measured(system)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _measured(self, system: OurSystem) -> list[Pair]:
        stores = [system.pid(name) for name in STORES]
        run = partial(self._sample, Backlog(system, self._folder), stores)
        ours: Start = partial(OurWorker.running, system)
        theirs: Start = partial(CeleryWorker.running, system, self._environment)
        self._check(Backlog(system, self._folder), ours, theirs)
        return self._interleaving.run(partial(run, ours), partial(run, theirs))

    def _sample(self, backlog: Backlog, stores: list[int], start: Start) -> Sample:
        """Processor time is that of the worker and of all stores, for one media."""
        with start() as worker:
            warm_up = backlog.fill(WARM_UP_MEDIA)
            worker.tell(warm_up)
            backlog.seconds(warm_up)
            media = backlog.fill(self._count)
            processes = Processes([worker.pid, *stores])
            began = processes.seconds()
            worker.tell(media)
            seconds = backlog.seconds(media)
            used = processes.seconds() - began
        return Sample(self._count / seconds, used / self._count)

    @staticmethod
    def _check(backlog: Backlog, *starts: Start) -> None:
        """Raises `NotEquivalent` unless both leave the same behind."""
        outcomes = []
        for start in starts:
            media = backlog.fill(1)
            with start() as worker:
                worker.tell(media)
                backlog.seconds(media)
            outcomes.append(backlog.outcome(media[0]))
        if outcomes[0] != outcomes[1]:
            raise NotEquivalent(f"{outcomes[0]} and {outcomes[1]}")
