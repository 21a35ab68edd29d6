"""Ready answers in Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar

from backend.adapters.redis_generations import Entry, Reading, RedisGenerations
from backend.domain.errors import DatabaseAway
from backend.domain.freshness import Scope
from backend.domain.patience import Patience
from backend.use_cases.ports.metrics import UNOBSERVED, CacheObserver

# Making an answer gives up by itself after this long.
MOST_JOINED_SECONDS = 4.0
# How many requests are remembered with their entries, and how long their names may be.
MOST_FORESEEN = 10_000
LONGEST_FORESEEN = 500


@dataclass(frozen=True, slots=True)
class _Flight:
    """An answer that is being made, under what was read."""

    reading: Reading
    task: asyncio.Task[bytes]

    def may_be_joined(self, reading: Reading, most_seconds: float) -> bool:
        """A caller who joins must not see anything older than the cache could show.

        Equal generations are not enough: a change that could not bump them waits, and a
        slow flight may last as long. Its age is that of this process, whatever happens
        to the clock of Redis.
        """
        is_young = time.monotonic() - self.reading.began < most_seconds
        return is_young and reading.stamp == self.reading.stamp


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The expected entry of a request, and the answer of Redis about it."""

    request: str
    entry: Entry | None
    reading: Reading | None


class Foresight:
    """Remembers which entry a request has led to, to read it ahead for the next equal
    request. The guess is compared when that request asks: a wrong one costs one more
    read."""

    def __init__(self) -> None:
        self._led_to: dict[str, Entry] = {}

    def entry(self, request: str) -> Entry | None:
        return self._led_to.get(request)

    def learn(self, request: str, entry: Entry) -> None:
        """Evicts the oldest entry."""
        if len(request) > LONGEST_FORESEEN or self._led_to.get(request) == entry:
            return
        if len(self._led_to) >= MOST_FORESEEN:
            del self._led_to[next(iter(self._led_to))]
        self._led_to[request] = entry


class RedisAnswerCache:
    """The `AnswerCache` port."""

    # A request may begin in the context of the previous one on its connection, so
    # `first_answer` sets it anew for each caller.
    _AHEAD: ClassVar[ContextVar[_Ahead | None]] = ContextVar("ahead", default=None)

    def __init__(
        self, generations: RedisGenerations, observer: CacheObserver = UNOBSERVED
    ) -> None:
        self._observer = observer
        self._generations = generations
        self._flights: dict[str, _Flight] = {}
        self._foresight = Foresight()

    async def answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        entry = Entry(key, tuple(scopes), share)
        return await self._answer(entry, await self._read(entry), make)

    async def whole_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        entry = Entry(key, tuple(scopes), share)
        reading = self._read_ahead(entry) or await self._read(entry)
        return await self._answer(entry, reading, make)

    async def first_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        request: str,
    ) -> bytes:
        entry = Entry(key, tuple(scopes))
        following = self._foresight.entry(request) if request else None
        if following is None:
            reading, ahead = await self._read(entry), None
        else:
            reading, ahead = await self._read_both(entry, following)
        self._AHEAD.set(_Ahead(request, following, ahead) if request else None)
        return await self._answer(entry, reading, make)

    def foreseen(self) -> bytes | None:
        ahead = self._AHEAD.get()
        if ahead is None or ahead.reading is None or ahead.reading.body is None:
            return None
        self._AHEAD.set(None)
        self._observer.cached(hit=True)
        return ahead.reading.body

    async def _read(self, entry: Entry) -> Reading | None:
        readings = await self._generations.read(entry)
        return readings[0] if readings else None

    async def _read_both(
        self, entry: Entry, following: Entry
    ) -> tuple[Reading | None, Reading | None]:
        readings = await self._generations.read(entry, following)
        return (readings[0], readings[1]) if readings else (None, None)

    def _read_ahead(self, entry: Entry) -> Reading | None:
        """Used once in each request, since the request may change what is read."""
        ahead = self._AHEAD.get()
        if ahead is None:
            return None
        self._AHEAD.set(None)
        if ahead.entry == entry:
            return ahead.reading
        self._foresight.learn(ahead.request, entry)
        return None

    async def _answer(
        self,
        entry: Entry,
        reading: Reading | None,
        make: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        self._observer.cached(hit=reading is not None and reading.body is not None)
        if reading is None:
            return await make()
        if reading.body is not None:
            return reading.body
        flight = self._flights.get(entry.key)
        most_seconds = self._generations.fresh_seconds * entry.share
        if flight and flight.may_be_joined(reading, most_seconds):
            return await self._join(flight)
        task = asyncio.create_task(self._make(entry, reading, make))
        self._start(entry.key, _Flight(reading, task))
        # A flight continues for the others when one of them leaves.
        return await asyncio.shield(task)

    @staticmethod
    async def _join(flight: _Flight) -> bytes:
        """Uses the patience of the joining caller: the flight itself has that of its
        first."""
        try:
            async with Patience.waiting(MOST_JOINED_SECONDS):
                return await asyncio.shield(flight.task)
        except TimeoutError:
            raise DatabaseAway from None

    def _start(self, key: str, flight: _Flight) -> None:
        self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._end(key, flight))

    async def _make(
        self, entry: Entry, reading: Reading, make: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        body = await make()
        await self._generations.store(entry, reading, body)
        return body

    def _end(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.cancelled():
            flight.task.exception()  # Seen by the remaining waiters, if any.
