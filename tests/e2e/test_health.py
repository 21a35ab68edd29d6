"""Any one store goes away, and whoever asks is told which one, and soon."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.faults import SERVERS, Faults, until

NEEDED = "postgres"
MOST_SECONDS = 2.0
BACK_SECONDS = 60.0


class Readiness:
    """What the API of a stack says of itself."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self.http = httpx.Client(
            base_url=stack.address, timeout=BACK_SECONDS, trust_env=False
        )

    def ask(self) -> tuple[int, dict[str, Any]]:
        answer = self.http.get("/health/ready/")
        assert ("Retry-After" in answer.headers) == (answer.status_code == 503)
        return answer.status_code, answer.json()

    def until_ok(self) -> None:
        is_ok = lambda: self.ask()[1]["status"] == "ok"  # noqa: E731
        until(is_ok, BACK_SECONDS, "everything answers")

    def seconds_until_away(self, store: str) -> float:
        """Until it is named, and only it, with what that is to be answered with."""
        began = time.monotonic()
        while True:
            status, body = self.ask()
            checks = body["checks"]
            seconds = time.monotonic() - began
            if [name for name, check in checks.items() if check == "away"] == [store]:
                break
            assert seconds < BACK_SECONDS, f"{store} alone is not away: {checks}"
        wanted = (503, "unavailable") if store == NEEDED else (200, "degraded")
        assert (status, body["status"]) == wanted
        return seconds


@pytest.fixture
def readiness(shaken_stack: EmbeddedStack) -> Iterator[Readiness]:
    """Everything is whole again after the test."""
    readiness = Readiness(shaken_stack)
    with readiness.http:
        yield readiness
        readiness.until_ok()


@contextmanager
def killed(faults: Faults, store: str) -> Iterator[None]:
    """kill -9, and not started again before the end of the block."""
    faults.kill(store)
    with faults.stopped(store):
        yield


@pytest.mark.parametrize("store", SERVERS)
class TestStoreAway:
    # What our side takes it takes each time; what a busy machine takes it does not.
    MOST_TRIES = 3

    def test_frozen(self, faults: Faults, readiness: Readiness, store: str) -> None:
        self._check(faults.frozen, readiness, store)

    def test_killed(self, faults: Faults, readiness: Readiness, store: str) -> None:
        self._check(partial(killed, faults), readiness, store)

    def _check(
        self,
        away: Callable[[str], AbstractContextManager[None]],
        readiness: Readiness,
        store: str,
    ) -> None:
        taken: list[float] = []
        while len(taken) < self.MOST_TRIES and min(taken, default=60) >= MOST_SECONDS:
            readiness.until_ok()
            with away(store):
                taken.append(readiness.seconds_until_away(store))
        assert min(taken) < MOST_SECONDS
