"""Small media that become ready in a second, beside Celery."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from bench.backlog import Backlog, Outcome
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
        run = partial(BacklogRun, Backlog(system, self._folder), stores, self._count)
        ours = run(partial(OurWorker.running, system))
        theirs = run(partial(CeleryWorker.running, system, self._environment))
        pairs = self._interleaving.run(ours.sample, theirs.sample)
        if ours.outcome != theirs.outcome:
            raise NotEquivalent(f"{ours.outcome} and {theirs.outcome}")
        return pairs


class BacklogRun:
    """Has a worker of one kind do a backlog.

    `outcome` is what it left behind of one media, outside of what is timed.
    """

    outcome: Outcome

    def __init__(
        self, backlog: Backlog, stores: list[int], count: int, start: Start
    ) -> None:
        self._backlog = backlog
        self._stores = stores
        self._count = count
        self._start = start

    def sample(self) -> Sample:
        """Processor time is that of the worker and of all stores, for one media."""
        with self._start() as worker:
            self._warm_up(worker)
            media = self._backlog.fill(self._count)
            processes = Processes([worker.pid, *self._stores])
            began = processes.seconds()
            worker.tell(media)
            seconds = self._backlog.seconds(media)
            used = processes.seconds() - began
        return Sample(self._count / seconds, used / self._count)

    def _warm_up(self, worker: Worker) -> None:
        media = self._backlog.fill(WARM_UP_MEDIA)
        worker.tell(media)
        self._backlog.seconds(media)
        self.outcome = self._backlog.outcome(media[0])
