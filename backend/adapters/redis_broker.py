"""Dramatiq's Redis broker with every choice made explicitly."""

from collections.abc import Sequence
from typing import Any

import redis
from dramatiq import Middleware
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

BROKER_DATABASE = 0
HEARTBEAT_TIMEOUT_MS = 15_000
# One command in twenty cleans up after dead workers; the ledger does not depend on it.
MAINTENANCE_CHANCE_PER_MILLION = 50_000


class BrokerClient(redis.Redis):
    """A client for which a server that does not answer is a lost connection.

    Dramatiq knows what to do about the one, and takes the other for a bug: consumers
    then drop what they fetched, and a finished message is never acknowledged.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.TimeoutError as error:
            raise redis.ConnectionError(str(error)) from error


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
        return RedisBroker(  # type: ignore[no-untyped-call]
            client=client,
            middleware=list(middleware),
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
            maintenance_chance=MAINTENANCE_CHANCE_PER_MILLION,
        )
