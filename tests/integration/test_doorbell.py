"""The doorbell on a real Redis: messages arrive, and its absence is borne."""

import asyncio
import os
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from dramatiq import Middleware, Worker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import dq_name
from dramatiq.errors import ConnectionClosed

from backend.actors.prompt_stop import PromptStop
from backend.adapters.dramatiq_doorbell import DramatiqDoorbell
from backend.adapters.redis_broker import BrokerFactory
from backend.domain.jobs import JobKind
from tests.black_hole import BlackHole
from tests.e2e.faults import until

UPLOAD = JobKind.UPLOAD_TO_CDN


@pytest.fixture
def broker() -> Iterator[RedisBroker]:
    broker = BrokerFactory(os.environ["REDIS_URL"]).build([], timeout_seconds=2.0)
    broker.client.flushdb()
    yield broker
    broker.client.flushdb()
    broker.close()
    broker.client.close()


class TestDramatiqDoorbell:
    async def test_each_kind_gets_a_message_with_the_media_and_the_request(
        self, broker: RedisBroker
    ) -> None:
        doorbell = DramatiqDoorbell(broker)
        media_id = uuid4()

        await doorbell.ring(media_id, [UPLOAD, JobKind.EXTRACT_METADATA], "request-1")

        assert await doorbell.waiting(UPLOAD) == 1
        assert await doorbell.waiting(JobKind.EXTRACT_METADATA) == 1
        broker.declare_queue(UPLOAD.value)
        message = next(broker.consume(UPLOAD.value))
        assert message is not None
        assert message.args == (str(media_id),)
        assert message.actor_name == "upload_to_cdn"
        assert message.options["request_id"] == "request-1"
        doorbell.close()

    async def test_a_redis_that_is_away_is_only_not_heard(self) -> None:
        broker = BrokerFactory("redis://127.0.0.1:1").build([], timeout_seconds=0.5)
        doorbell = DramatiqDoorbell(broker)

        await doorbell.ring(uuid4(), [UPLOAD], "request-1")

        assert await doorbell.waiting(UPLOAD) is None
        doorbell.close()

    async def test_a_redis_that_is_silent_delays_many_rings_no_longer_than_one(
        self,
    ) -> None:
        with BlackHole.open() as port:
            broker = BrokerFactory(f"redis://127.0.0.1:{port}").build([], 0.5)
            doorbell = DramatiqDoorbell(broker)
            began = time.monotonic()
            await asyncio.gather(
                *(doorbell.ring(uuid4(), [UPLOAD], "request-1") for _ in range(20))
            )
            assert time.monotonic() - began < 2.0
            doorbell.close()

    async def test_what_workers_have_fetched_is_not_waiting(
        self, broker: RedisBroker
    ) -> None:
        doorbell = DramatiqDoorbell(broker)
        await doorbell.ring(uuid4(), [UPLOAD], "request-1")
        broker.declare_queue(UPLOAD.value)
        assert next(broker.consume(UPLOAD.value)) is not None

        assert await doorbell.waiting(UPLOAD) == 0
        doorbell.close()


class TestBrokerClient:
    def test_silence_is_a_lost_connection(self) -> None:
        """Which Dramatiq's consumers bear, while any other error is one of theirs."""
        with BlackHole.open() as port:
            broker = BrokerFactory(f"redis://127.0.0.1:{port}").build([], 0.2)
            broker.declare_queue(UPLOAD.value)
            with pytest.raises(ConnectionClosed):
                next(broker.consume(UPLOAD.value))
            broker.client.close()


class TestPromptBroker:
    DRAMATIQS_MILLISECONDS = 1000
    LOOKS = 20
    # Twenty times half of Dramatiq's own pause, and more.
    DRAMATIQS_SECONDS = 10.0

    def test_a_queue_that_was_quiet_for_long_is_looked_at_often(
        self, broker: RedisBroker
    ) -> None:
        broker.declare_queue(UPLOAD.value)
        consumer = broker.consume(UPLOAD.value, timeout=self.DRAMATIQS_MILLISECONDS)
        consumer.misses = 30
        began = time.monotonic()
        for _ in range(self.LOOKS):
            assert next(consumer) is None
        assert time.monotonic() - began < self.DRAMATIQS_SECONDS - 1

    def test_a_delay_queue_is_not_asked_for(self) -> None:
        broker = BrokerFactory("redis://127.0.0.1:1").build([], 0.5)
        broker.declare_queue(UPLOAD.value)

        assert next(broker.consume(dq_name(UPLOAD.value))) is None

        with pytest.raises(ConnectionClosed):
            next(broker.consume(UPLOAD.value))


class TestPromptStop:
    ROUNDS = 3
    # Threads that have just begun to wait look up after one.
    DRAMATIQS_SECONDS = 1.0

    def test_an_idle_worker_is_not_waited_for(self) -> None:
        assert self.best_seconds([PromptStop()]) < self.DRAMATIQS_SECONDS - 0.2

    def best_seconds(self, middleware: list[Middleware]) -> float:
        return min(self.seconds(middleware) for _ in range(self.ROUNDS))

    @staticmethod
    def seconds(middleware: list[Middleware]) -> float:
        broker = BrokerFactory(os.environ["REDIS_URL"]).build(middleware, 2.0)
        broker.declare_queue(UPLOAD.value)
        worker = Worker(broker, worker_threads=2)
        worker.start()
        threads = [*worker.workers, *worker.consumers.values()]
        # A stop that comes before would be lost.
        until(lambda: all(thread.running for thread in threads), 10.0, "they run")
        began = time.monotonic()
        worker.stop()
        broker.close()
        return time.monotonic() - began
