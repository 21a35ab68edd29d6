"""Each store goes away under traffic and comes back: nobody hangs, nothing is lost."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from backend.domain.freshness import FRESH_SECONDS
from tests.e2e.faults import Faults
from tests.e2e.traffic import Aftermath, Answer, Traffic

# What cannot be answered without the store; all else goes on as if nothing were wrong.
NEEDS = {
    "postgres": {"upload", "list", "detail", "jobs", "metadata", "signin"},
    "mongo": {"metadata"},
    "redis": set[str](),
    "s3": set[str](),
}
# What was answered lately is answered from the cache for a while.
CACHED = {"list", "detail"}
# Longer than that, and than the patience of anybody who waits for a silent store.
AWAY_SECONDS = 6.0
WELL_AGAIN_SECONDS = 60.0
READY_SECONDS = 60.0

Away = Callable[[str], AbstractContextManager[None]]


def told(answers: list[Answer]) -> list[str]:
    return [str(answer) for answer in answers]


# Each store is away in one way in every run, and in the other when faults are tried.
FAULTS = pytest.mark.faults
STOPPED = (
    "postgres",
    "s3",
    *(pytest.param(s, marks=FAULTS) for s in ("mongo", "redis")),
)
FROZEN = (
    "mongo",
    "redis",
    *(pytest.param(s, marks=FAULTS) for s in ("postgres", "s3")),
)


class TestStoreAway:
    @pytest.mark.parametrize("store", STOPPED)
    def test_stopped(
        self, faults: Faults, traffic: Traffic, aftermath: Aftermath, store: str
    ) -> None:
        seconds = AWAY_SECONDS if store == "postgres" else 0.0
        self._endure(faults.stopped, store, seconds, traffic, aftermath)

    @pytest.mark.parametrize("store", FROZEN)
    def test_frozen(
        self, faults: Faults, traffic: Traffic, aftermath: Aftermath, store: str
    ) -> None:
        self._endure(faults.frozen, store, AWAY_SECONDS, traffic, aftermath)

    def _endure(
        self,
        away: Away,
        store: str,
        least_seconds: float,
        traffic: Traffic,
        aftermath: Aftermath,
    ) -> None:
        with traffic.flowing():
            traffic.until_each(good=True, times=1, seconds=WELL_AGAIN_SECONDS)
            with away(store):
                moment = time.monotonic()
                asked = self._while_away(traffic, least_seconds)
            well = traffic.until_each(good=True, times=2, seconds=WELL_AGAIN_SECONDS)
        assert told([a for a in traffic.answers if not a.is_polite]) == []
        uncached = [a for a in asked if not self._is_cached(a, moment)]
        self._check_needs(store, uncached)
        ready = aftermath.until_ready(traffic.uploaded(), READY_SECONDS)
        slowest = max(answer.ended - answer.began for answer in traffic.answers)
        print(  # noqa: T201 - pytest shows it with -s and on failure
            f"{store} {away.__name__}: slowest {slowest:.2f} s, well {well:.2f} s, "
            f"{len(traffic.uploaded())} ready {ready:.2f} s"
        )

    @staticmethod
    def _is_cached(answer: Answer, away_since: float) -> bool:
        seconds = answer.began - away_since
        return answer.what in CACHED and answer.is_good and seconds < FRESH_SECONDS

    @staticmethod
    def _while_away(traffic: Traffic, least_seconds: float) -> list[Answer]:
        """Answers to what was asked while the store was away all the time."""
        moment = time.monotonic()
        waited = 0.0
        while waited < least_seconds or not waited:
            traffic.until_each(good=None, times=1, seconds=WELL_AGAIN_SECONDS)
            waited = time.monotonic() - moment
        return traffic.since(moment)

    @staticmethod
    def _check_needs(store: str, asked: list[Answer]) -> None:
        needy = [answer for answer in asked if answer.what in NEEDS[store]]
        others = [answer for answer in asked if answer.what not in NEEDS[store]]
        assert told([answer for answer in needy if answer.is_good]) == []
        assert told([answer for answer in others if not answer.is_good]) == []
