"""Any one store goes away, and whoever asks is told which one, and soon."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._url = f"{stack.address}/health/ready/"

    def ask(self) -> tuple[int, dict[str, Any], float]:
        began = time.monotonic()
        answer = httpx.get(self._url, timeout=BACK_SECONDS)
        assert ("Retry-After" in answer.headers) == (answer.status_code == 503)
        return answer.status_code, answer.json(), time.monotonic() - began

    def is_ok(self) -> bool:
        return self.ask()[1]["status"] == "ok"


@pytest.fixture
def readiness(shaken_stack: EmbeddedStack) -> Iterator[Readiness]:
    """Whole before, and whole again after the test."""
    readiness = Readiness(shaken_stack)
    until(readiness.is_ok, BACK_SECONDS, "everything answers")
    yield readiness
    until(readiness.is_ok, BACK_SECONDS, "everything answers again")


@contextmanager
def killed(faults: Faults, store: str) -> Iterator[None]:
    """kill -9, and not started again before the end of the block."""
    faults.kill(store)
    with faults.stopped(store):
        yield


@pytest.mark.parametrize("store", SERVERS)
class TestStoreAway:
    def test_frozen(self, faults: Faults, readiness: Readiness, store: str) -> None:
        with faults.frozen(store):
            for _ in range(3):
                self._check(readiness, store)

    def test_killed(self, faults: Faults, readiness: Readiness, store: str) -> None:
        with killed(faults, store):
            for _ in range(3):
                self._check(readiness, store)

    @staticmethod
    def _check(readiness: Readiness, store: str) -> None:
        status, body, seconds = readiness.ask()
        away = [name for name, check in body["checks"].items() if check == "away"]
        assert away == [store]
        is_needed = store == NEEDED
        assert status == (503 if is_needed else 200)
        assert body["status"] == ("unavailable" if is_needed else "degraded")
        assert seconds < MOST_SECONDS
