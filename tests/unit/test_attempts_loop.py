"""The loop of a worker, with dramatiq's own worker on its broker in memory."""

import asyncio
import threading
from collections.abc import Iterator

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import ShutdownNotifications

from backend.actors.event_loop import AttemptsLoop


class Attempt:
    """Waits until it is cut off, and takes longer over its end than dramatiq waits."""

    END_SECONDS = 1.4

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.was_released = False

    async def perform(self) -> None:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(self.END_SECONDS)
            self.was_released = True
            raise


@pytest.fixture
def broker() -> Iterator[StubBroker]:
    broker = StubBroker(middleware=[AttemptsLoop(), ShutdownNotifications()])
    yield broker
    broker.close()


@pytest.mark.parametrize("is_told", [True, False])
def test_an_attempt_has_its_last_word(broker: StubBroker, is_told: bool) -> None:
    attempt = Attempt()
    perform = dramatiq.actor(
        broker=broker, actor_name="attempt", notify_shutdown=is_told
    )(attempt.perform)
    worker = Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    perform.send()
    assert attempt.begun.wait(5)

    worker.stop(timeout=200)

    assert attempt.was_released
