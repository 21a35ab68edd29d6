"""A Redis that is asked for hints: its silence costs little and breaks nothing."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

Command: TypeAlias = tuple[str | int | bytes, ...]
# One for each command, or None: nothing is known.
Answers: TypeAlias = Sequence[Any] | None

CACHE_DATABASE = 1
CONNECTIONS = 16
# Nobody waits longer for an answer; Redis needs a fraction of a millisecond.
MOST_SECONDS = 0.25
# After one that did not come nobody asks for so long.
PAUSE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class RedisHints:
    """Sends commands to the cache; that no answer came is an answer, too.

    What is sent is a task of its own that runs to its end, whoever stops waiting for
    it: a connection that is given back never has half an answer on it.
    """

    def __init__(
        self,
        redis_url: str,
        most_seconds: float = MOST_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        limits: dict[str, Any] = {
            "timeout": most_seconds,
            "socket_connect_timeout": most_seconds,
            "socket_timeout": most_seconds,
            "max_connections": CONNECTIONS,
            "retry": Retry(NoBackoff(), 0),
        }
        address: dict[str, Any] = {**parse_url(redis_url), "db": CACHE_DATABASE}
        self._client = Redis.from_pool(BlockingConnectionPool(**address, **limits))
        self._most_seconds = most_seconds
        self._pause_seconds = pause_seconds
        self._silent_until = 0.0
        self._is_away = False
        self._under_way: set[asyncio.Task[Answers]] = set()

    async def ask(self, *commands: Command) -> Answers:
        return await self.answers_of(self.send(*commands))

    def send(self, *commands: Command) -> asyncio.Task[Answers] | None:
        """Send the commands in one go; None while Redis is left alone."""
        if time.monotonic() < self._silent_until:
            return None
        sent = asyncio.create_task(self._execute(commands))
        self._under_way.add(sent)
        sent.add_done_callback(self._under_way.discard)
        return sent

    async def answers_of(self, sent: asyncio.Task[Answers] | None) -> Answers:
        if sent is None:
            return None
        await asyncio.wait({sent}, timeout=self._most_seconds)
        if not sent.done():
            self._missed("It does not answer in time.")
            return None
        answers = sent.result()
        if answers is not None:
            self._heard()
        return answers

    async def close(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._client.aclose()

    async def _execute(self, commands: Sequence[Command]) -> Answers:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            return await pipeline.execute()
        # The other one is what uvloop says when a connection was reset meanwhile.
        except (RedisError, RuntimeError) as error:
            self._missed(str(error))
            return None

    def _missed(self, reason: str) -> None:
        self._silent_until = time.monotonic() + self._pause_seconds
        if not self._is_away:
            self._is_away = True
            log.warning("hints.away", reason=reason)

    def _heard(self) -> None:
        if self._is_away:
            self._is_away = False
            log.info("hints.back")
