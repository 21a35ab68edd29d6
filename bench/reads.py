"""One media, lists and searches, beside every peer."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from backend.domain.freshness import FRESH_SECONDS
from bench.comparison import AtLeastTimes, Pair, Result, Work
from bench.load import Target, Turns, Wrk
from bench.ours import OurSystem
from bench.peers.environment import PeerEnvironment
from bench.questions import Equivalence, Question, Shelf
from bench.readers import DrfReader, FastApiReader, OurReader, Reader
from bench.scale import Scale
from bench.trial import FAILURES, Interleaving, Reason, Trial

PEERS: tuple[type[Reader], ...] = (FastApiReader, DrfReader)
# In cache, cold, and in cache beside Django REST Framework.
GOALS = {
    "GET one media": (4.0, 1.5, 10.0),
    "GET list of 20": (5.0, 1.5, 10.0),
    "search": (10.0, 2.0, 10.0),
}


class ReadRows:
    """All on one database; answers are compared before anything is timed."""

    def __init__(
        self, folder: Path, scale: Scale, environment: PeerEnvironment
    ) -> None:
        self._folder = folder
        self._rows = scale.read_rows
        self._environment = environment
        self._wrk = Wrk(folder, scale.read_seconds)
        self._interleaving = Interleaving(scale.pairs)

    def run(self) -> Iterator[Result]:
        try:
            yield from self._measured()
        except FAILURES as error:
            reason = Reason.of(error)
            for kind in PEERS:
                yield from self._failed(kind.name, reason)

    def _measured(self) -> Iterator[Result]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with OurSystem.running(self._folder / "ours") as system:
            shelf = Shelf(system.database, self._rows)
            user = shelf.fill()
            ours = OurReader(system)
            questions = shelf.questions()
            for kind in PEERS:
                reader = kind(self._environment, system.database)
                yield from self._beside(ours, reader, user, questions)

    @classmethod
    def _failed(cls, peer: str, reason: str) -> Iterator[Result]:
        for name in GOALS:
            for work, _ in cls._works(peer, name):
                yield Result.failed(work, reason)

    def _beside(
        self, ours: OurReader, reader: Reader, user: str, questions: Sequence[Question]
    ) -> Iterator[Result]:
        try:
            with reader.running(user, ours.stores) as peer:
                if (os.cpu_count() or 1) > 1:
                    ours.target.server.pin(0)
                    peer.server.pin(0)
                for question in questions:
                    yield from self._asked(ours.target, peer, question)
        except FAILURES as error:
            yield from self._failed(reader.name, Reason.of(error))

    def _asked(
        self, ours: Target, peer: Target, question: Question
    ) -> Iterator[Result]:
        for work, is_cold in self._works(peer.name, question.name):
            turns = (
                Turns(question.cold, FRESH_SECONDS)
                if is_cold
                else Turns([question.cached])
            )
            yield Trial.result(work, partial(self._pairs, ours, peer, question, turns))

    def _pairs(
        self, ours: Target, peer: Target, question: Question, turns: Turns
    ) -> list[Pair]:
        Equivalence().check(ours, peer, question)
        for target in (ours, peer):
            self._wrk.run(target, turns)  # Pools and plans are there after it.
        return self._interleaving.run(
            partial(self._wrk.run, ours, turns), partial(self._wrk.run, peer, turns)
        )

    @staticmethod
    def _works(peer: str, name: str) -> Iterator[tuple[Work, bool]]:
        """Each with whether no cache is to have the answer."""
        cached, cold, beside_drf = GOALS[name]
        ways = [("in cache", False, cached), ("cold", True, cold)]
        if peer == DrfReader.name:
            ways = [("in cache", False, beside_drf)]
        for way, is_cold, goal in ways:
            work = Work(f"{name}, {way}", peer, "requests/s", AtLeastTimes(goal))
            yield work, is_cold
