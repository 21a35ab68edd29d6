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
        self.http = httpx.Client(
            base_url=stack.address, timeout=BACK_SECONDS, trust_env=False
        )

    def ask(self) -> tuple[int, dict[str, Any], float]:
        began = time.monotonic()
        answer = self.http.get("/health/ready/")
        seconds = time.monotonic() - began
        assert ("Retry-After" in answer.headers) == (answer.status_code == 503)
        return answer.status_code, answer.json(), seconds

    def is_ok(self) -> bool:
        return self.ask()[1]["status"] == "ok"

    def until_away(self, store: str) -> tuple[int, dict[str, Any], float]:
        """A busy machine may make another store look as if it were away, for once."""
        answers = []

        def is_told() -> bool:
            answers.append(self.ask())
            checks = answers[-1][1]["checks"]
            return [name for name, check in checks.items() if check == "away"] == [
                store
            ]

        until(is_told, BACK_SECONDS, f"{store} alone is away")
        return answers[-1]


@pytest.fixture
def readiness(shaken_stack: EmbeddedStack) -> Iterator[Readiness]:
    """Whole before, and whole again after the test."""
    readiness = Readiness(shaken_stack)
    with readiness.http:
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
            self._check(readiness, store)

    def test_killed(self, faults: Faults, readiness: Readiness, store: str) -> None:
        with killed(faults, store):
            self._check(readiness, store)

    @staticmethod
    def _check(readiness: Readiness, store: str) -> None:
        answers = [readiness.until_away(store) for _ in range(3)]
        wanted = (503, "unavailable") if store == NEEDED else (200, "degraded")
        assert {(status, body["status"]) for status, body, _ in answers} == {wanted}
        # What our side takes it takes each time; the machine does not.
        assert min(seconds for *_, seconds in answers) < MOST_SECONDS
