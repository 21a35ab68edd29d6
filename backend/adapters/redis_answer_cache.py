"""Ready answers in Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from backend.adapters.redis_generations import Reading, RedisGenerations
from backend.domain.errors import DatabaseAway
from backend.domain.freshness import Scope
from backend.domain.patience import Patience

# Whoever makes an answer gives up after so long himself.
MOST_JOINED_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class _Flight:
    """An answer that is being made, under what was read at `began` or later."""

    reading: Reading
    began: float
    task: asyncio.Task[bytes]

    def may_be_joined(self, reading: Reading, most_seconds: float) -> bool:
        """Whoever joins must not be shown more than the cache could show him.

        Equal generations are not enough: a change that could not bump them waits, and
        a slow flight may last as long. Its age is that of this process, whatever
        happens to the clock of Redis.
        """
        is_young = time.monotonic() - self.began < most_seconds
        return is_young and reading.stamp == self.reading.stamp


class RedisAnswerCache:
    """The `AnswerCache` port."""

    def __init__(self, generations: RedisGenerations) -> None:
        self._generations = generations
        self._flights: dict[str, _Flight] = {}

    async def answer(
        self, key: str, scopes: Sequence[Scope], make: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        began = time.monotonic()
        reading = await self._generations.read(key, scopes)
        if reading is None:
            return await make()
        if reading.body is not None:
            return reading.body
        flight = self._flights.get(key)
        if flight and flight.may_be_joined(reading, self._generations.fresh_seconds):
            return await self._join(flight)
        task = asyncio.create_task(self._make(key, scopes, reading, make))
        self._start(key, _Flight(reading, began, task))
        # A flight goes on for the others when one of them leaves.
        return await asyncio.shield(task)

    @staticmethod
    async def _join(flight: _Flight) -> bytes:
        """On the patience of whoever joins: the flight itself has another's."""
        try:
            async with Patience.waiting(MOST_JOINED_SECONDS):
                return await asyncio.shield(flight.task)
        except TimeoutError:
            raise DatabaseAway from None

    def _start(self, key: str, flight: _Flight) -> None:
        self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._end(key, flight))

    async def _make(
        self,
        key: str,
        scopes: Sequence[Scope],
        reading: Reading,
        make: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        body = await make()
        await self._generations.store(key, scopes, reading, body)
        return body

    def _end(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.cancelled():
            flight.task.exception()  # Seen by whoever still waits, or by nobody.
