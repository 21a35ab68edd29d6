"""Readers, a writer and a Redis that loses things, one step of anybody at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from django.db import connection

from backend.adapters.redis_answer_cache import RedisAnswerCache
from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Answers, Command
from backend.domain.freshness import Scope
from backend.orm.database_threads import DatabaseThreads
from tests.own_redis import OwnRedis

# As 3 s are to a request, so is this to a step.
FRESH_SECONDS = 0.06
# So many last longer than anything may be shown.
SLOW_READS = 0.1
SCOPES = (Scope("one"), Scope("other"))
KEY = "answer"
# So many ask for their caller first, and know what they will ask for next.
FORESEEN_READS = 0.5
# Those of an answer that is made of another, and the share of the other.
COMPOSED_READS = 0.3
PART_SHARE = 1 / 3


class Stale(AssertionError):
    """A reader was shown what an answered change had made old."""


class Steps:
    """Holds everybody up between what they do, and lets one go on at a time.

    Whoever waits for somebody else, or for time to pass, is not waited for.
    """

    MOST_SECONDS = 0.005

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._held: list[asyncio.Future[None]] = []
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_over = False

    async def pause(self) -> None:
        if not self.is_over:
            held = asyncio.get_running_loop().create_future()
            self._held.append(held)
            self._moved.set()
            await held

    def begin(self, deed: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._moved.set())
        return task

    async def step(self) -> None:
        """Raises what went wrong in a deed that has ended."""
        self._moved.clear()
        if self._held:
            held = self._held.pop(self._dice.randrange(len(self._held)))
            if not held.done():
                held.set_result(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.MOST_SECONDS):
                await self._moved.wait()
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            task.result()

    async def end(self) -> None:
        """Everybody goes on to his end, whatever comes of it."""
        self.is_over = True
        for held in self._held:
            if not held.done():
                held.set_result(None)
        await asyncio.gather(*self._tasks, return_exceptions=True)


class LossyHints(RedisHints):
    """A connection to Redis on which commands and replies get lost, or come late."""

    READERS = (90, 4, 3, 3)
    WRITERS = (60, 15, 15, 10)

    def __init__(
        self, url: str, steps: Steps, dice: Random, weights: tuple[int, ...]
    ) -> None:
        super().__init__(url, most_seconds=0.05, pause_seconds=0.02)
        self._steps = steps
        self._dice = dice
        self._weights = weights

    async def ask(self, *commands: Command) -> Answers:
        await self._steps.pause()
        fates = [self._done, self._reply_lost, self._command_lost, self._late]
        (fate,) = self._dice.choices(fates, self._weights)
        return await fate(commands)

    async def _done(self, commands: tuple[Command, ...]) -> Answers:
        answers = await super().ask(*commands)
        await self._steps.pause()
        return answers

    async def _reply_lost(self, commands: tuple[Command, ...]) -> Answers:
        await super().ask(*commands)
        return None

    async def _command_lost(self, commands: tuple[Command, ...]) -> Answers:
        return None

    async def _late(self, commands: tuple[Command, ...]) -> Answers:
        """Redis does it when nobody waits for it any more."""
        self._steps.begin(self._do_late(commands))
        return None

    async def _do_late(self, commands: tuple[Command, ...]) -> None:
        for _ in range(self._dice.randrange(1, 6)):
            await self._steps.pause()
        await super().ask(*commands)


class VersionedRow:
    """A row of which every change has a number: that of a user, in its `password`."""

    def __init__(self, threads: DatabaseThreads, user_id: UUID) -> None:
        self._threads = threads
        self._user_id = user_id

    async def read(self) -> bytes:
        return str(await self._threads.run(self._read)).encode()

    async def write(self, version: int) -> None:
        await self._threads.run(self._write, version)

    def _read(self) -> int:
        with connection.cursor() as cursor:
            sql = 'SELECT password FROM "user" WHERE uuid = %s'
            cursor.execute(sql, [self._user_id])
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def _write(self, version: int) -> None:
        with connection.cursor() as cursor:
            sql = 'UPDATE "user" SET password = %s WHERE uuid = %s'
            cursor.execute(sql, [str(version), self._user_id])


Changing = Callable[[Awaitable[None], Callable[[], Awaitable[None]]], Awaitable[None]]


async def commit_then_tell(
    commit: Awaitable[None], tell: Callable[[], Awaitable[None]]
) -> None:
    await commit
    await tell()


@dataclass(frozen=True)
class Parts:
    """What the protocol is made of; a test may put in a part that is wrong."""

    generations: type[RedisGenerations] = RedisGenerations
    answers: type[RedisAnswerCache] = RedisAnswerCache
    freshness: type[RedisFreshness] = RedisFreshness
    change: Changing = field(default=commit_then_tell)


class FreshSteps:
    """Two processes with two readers each, and a third with the writer."""

    READERS = 4

    def __init__(
        self, redis: OwnRedis, row: VersionedRow, seed: str, parts: Parts
    ) -> None:
        self._redis = redis
        self._row = row
        self._dice = dice = Random(seed)
        self._steps = steps = Steps(dice)
        self._change = parts.change
        self._hints = [
            LossyHints(redis.url, steps, dice, weights)
            for weights in (LossyHints.READERS, LossyHints.READERS, LossyHints.WRITERS)
        ]
        made = [parts.generations(hints, FRESH_SECONDS) for hints in self._hints]
        self._caches = [parts.answers(generations) for generations in made[:2]]
        self._freshness = parts.freshness(made[2])
        self._answered = 0
        self.reads = self.hits = self.writes = 0

    async def run(self, steps: int) -> None:
        """Raises `Stale`."""
        deeds: list[asyncio.Task[None] | None] = [None] * (self.READERS + 1)
        try:
            for number in range(steps):
                await self._lose_something(number)
                for place, deed in enumerate(deeds):
                    if deed is None or deed.done():
                        deeds[place] = self._steps.begin(self._deed(place))
                await self._steps.step()
        finally:
            await self._steps.end()
            for hints in self._hints:
                await hints.close()

    def _deed(self, place: int) -> Coroutine[Any, Any, None]:
        return self._write() if place == self.READERS else self._read(place % 2)

    async def _lose_something(self, number: int) -> None:
        chance = self._dice.random()
        if chance < 0.01:
            self._redis.flush()
        elif chance < 0.05:
            self._redis.lose_one(self._dice, "fresh:*:o*")
        elif chance < 0.051:
            with self._redis.frozen():
                for _ in range(self._dice.randrange(2, 12)):
                    await self._steps.step()

    async def _read(self, process: int) -> None:
        known = self._answered
        self.reads += 1
        cache = self._caches[process]
        if self._dice.random() < FORESEEN_READS:
            await cache.first_answer("caller", SCOPES, self._make, request="a request")
        reads_before = self._made
        if self._dice.random() < COMPOSED_READS:
            answer = await self._composed(cache)
        else:
            answer = cache.foreseen() or await cache.whole_answer(
                KEY, SCOPES, self._make
            )
        self.hits += self._made == reads_before
        if int(answer) < known:
            raise Stale(f"version {int(answer)} was shown after {known} was answered")
        await self._steps.pause()

    async def _composed(self, cache: RedisAnswerCache) -> bytes:
        async def compose() -> bytes:
            part = await cache.answer("part", SCOPES, self._make, PART_SHARE)
            await self._steps.pause()
            return part

        return await cache.answer("composed", SCOPES, compose, 1 - PART_SHARE)

    _made = 0

    async def _make(self) -> bytes:
        self._made += 1
        await self._steps.pause()
        body = await self._row.read()
        if self._dice.random() < SLOW_READS:
            await asyncio.sleep(self._dice.random() * 3 * FRESH_SECONDS)
        await self._steps.pause()
        return body

    async def _write(self) -> None:
        for _ in range(self._dice.randrange(12)):
            await self._steps.pause()
        version = self._answered + 1
        scope = self._dice.choice(SCOPES)
        await self._change(
            self._row.write(version), lambda: self._freshness.changed(scope)
        )
        self._answered = version
        self.writes += 1
