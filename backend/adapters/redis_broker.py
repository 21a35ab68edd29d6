"""Dramatiq's Redis broker with every choice made explicitly."""

import time
from collections import defaultdict
from collections.abc import Sequence
from threading import Event
from typing import Any

import redis
from dramatiq import Consumer, MessageProxy, Middleware
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from redis.backoff import NoBackoff
from redis.retry import Retry

BROKER_DATABASE = 0
HEARTBEAT_TIMEOUT_MS = 15_000
# One command in twenty cleans up after dead workers; the ledger does not depend on it.
MAINTENANCE_CHANCE_PER_MILLION = 50_000


class BrokerClient(redis.Redis):
    """A client that treats a server that does not answer as a lost connection.

    Dramatiq handles a lost connection, but takes a timeout for a bug: consumers then
    drop what they fetched, and a finished message is never acknowledged.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.TimeoutError as error:
            raise redis.ConnectionError(str(error)) from error


class PromptConsumer(_RedisConsumer):
    """Fetches again as soon as one of its messages is done.

    Dramatiq's own consumer polls for room less and less often, which delays jobs of a
    tenth of a second by as much. A new consumer of a queue knows which messages its
    predecessor, whose connection was lost, has fetched and not finished.
    """

    def __init__(
        self,
        broker: RedisBroker,
        queue: str,
        prefetch: int,
        timeout: int,
        ids: set[str],
    ) -> None:
        super().__init__(broker, queue, prefetch, timeout)  # type: ignore[no-untyped-call]
        self.queued_message_ids = ids
        self._done = Event()

    def __next__(self) -> MessageProxy | None:
        self._done.clear()
        if self._is_full and not self._done.wait(self.timeout / 1000):
            return None
        message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        return message

    def ack(self, message: MessageProxy) -> None:
        try:
            super().ack(message)  # type: ignore[no-untyped-call]
        finally:
            self._done.set()

    def nack(self, message: MessageProxy) -> None:
        try:
            super().nack(message)  # type: ignore[no-untyped-call]
        finally:
            self._done.set()

    @property
    def _is_full(self) -> bool:
        return not self.message_cache and len(self.queued_message_ids) >= self.prefetch


class RestingConsumer(Consumer):
    """Of a delay queue: the ledger delays jobs, so no message is ever in one."""

    def __init__(self, timeout: int) -> None:
        self._seconds = timeout / 1000

    def __next__(self) -> None:
        time.sleep(self._seconds)


class PromptBroker(RedisBroker):
    """Dramatiq's broker with consumers that lose no time.

    After a quiet period they would ask only once a second, and the next video would
    wait for that.
    """

    _MOST_IDLE_MILLISECONDS = 100

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._under_way: defaultdict[str, set[str]] = defaultdict(set)

    def consume(
        self, queue_name: str, prefetch: int = 1, timeout: int = 5000
    ) -> Consumer:
        timeout = min(timeout, self._MOST_IDLE_MILLISECONDS)
        if queue_name not in self.queues:
            return RestingConsumer(timeout)
        ids = self._under_way[queue_name]
        return PromptConsumer(self, queue_name, prefetch, timeout, ids)


class BrokerFactory:
    """Builds a broker; it connects on first use.

    Commands are not tried again by the client: fetching and enqueueing are not
    idempotent, and the ledger's sweeper rings again anyway.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url

    def build(
        self, middleware: Sequence[Middleware], timeout_seconds: float
    ) -> RedisBroker:
        client = BrokerClient.from_url(
            self._redis_url,
            db=BROKER_DATABASE,
            socket_connect_timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=15,
        )
        return PromptBroker(
            client=client,
            middleware=list(middleware),
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
            maintenance_chance=MAINTENANCE_CHANCE_PER_MILLION,
        )
