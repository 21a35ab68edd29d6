"""Cached answers in a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from django.conf import settings

from backend.adapters.redis_answer_cache import RedisAnswerCache
from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.domain.freshness import FRESH_SECONDS, Scope, Scopes


class Source:
    """Something that changes, and how often it was read."""

    def __init__(self) -> None:
        self.value = b"first"
        self.reads = 0
        self.is_read = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self) -> bytes:
        self.reads += 1
        self.is_read.set()
        value = self.value
        await self.may_answer.wait()
        return value


class Cache:
    """A cache as one process has it."""

    def __init__(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        url = settings.ENVIRONMENT.redis_url.get_secret_value()
        # However busy the machine is: these tests are not about its silence.
        self.hints = RedisHints(url, most_seconds=20.0)
        generations = RedisGenerations(self.hints, fresh_seconds)
        self.answers = RedisAnswerCache(generations)
        self.freshness = RedisFreshness(generations)


@pytest.fixture
async def cache() -> AsyncIterator[Cache]:
    cache = Cache()
    yield cache
    await cache.hints.close()


@pytest.fixture
def scope() -> Scope:
    return Scopes.media(uuid4())


class TestAnswer:
    async def test_it_is_made_once(self, cache: Cache, scope: Scope) -> None:
        source = Source()
        answers = [
            await cache.answers.answer(scope, [scope], source.read) for _ in range(3)
        ]
        assert answers == [b"first"] * 3
        assert source.reads == 1

    async def test_those_who_ask_at_once_wait_for_one(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        source.may_answer.clear()
        asked = [
            asyncio.create_task(cache.answers.answer(scope, [scope], source.read))
            for _ in range(5)
        ]
        await source.is_read.wait()
        asked.pop().cancel()
        source.may_answer.set()
        assert await asyncio.gather(*asked) == [b"first"] * 4
        assert source.reads == 1

    async def test_a_change_is_seen_by_whoever_asks_after_it(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        await cache.answers.answer(scope, [scope, Scopes.ROLES], source.read)
        source.value = b"second"
        await cache.freshness.changed(scope)
        answer = await cache.answers.answer(scope, [scope, Scopes.ROLES], source.read)
        assert answer == b"second"

    async def test_what_was_read_before_a_change_is_not_kept(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        source.may_answer.clear()
        slow = asyncio.create_task(cache.answers.answer(scope, [scope], source.read))
        await source.is_read.wait()
        source.value = b"second"
        await cache.freshness.changed(scope)
        source.may_answer.set()
        assert await cache.answers.answer(scope, [scope], source.read) == b"second"
        assert await slow == b"first"
        assert await cache.answers.answer(scope, [scope], source.read) == b"second"

    async def test_nobody_joins_what_is_older_than_an_entry_may_be(
        self, scope: Scope
    ) -> None:
        """A change that could not be made known has waited no longer than that."""
        cache, source = Cache(fresh_seconds=0.1), Source()
        source.may_answer.clear()
        slow = asyncio.create_task(cache.answers.answer(scope, [scope], source.read))
        await source.is_read.wait()
        await asyncio.sleep(0.1)
        other = Source()
        other.value = b"second"
        assert await cache.answers.answer(scope, [scope], other.read) == b"second"
        source.may_answer.set()
        assert await slow == b"first"
        # That came too late to be kept.
        assert await cache.answers.answer(scope, [scope], other.read) == b"second"
        await cache.hints.close()

    async def test_it_lives_from_when_it_was_asked_for_not_from_when_it_was_stored(
        self, scope: Scope
    ) -> None:
        cache, source = Cache(fresh_seconds=0.4), Source()

        async def slow() -> bytes:
            await asyncio.sleep(0.3)
            return await source.read()

        await cache.answers.answer(scope, [scope], slow)
        await asyncio.sleep(0.15)
        await cache.answers.answer(scope, [scope], source.read)
        assert source.reads == 2
        await cache.hints.close()

    async def test_any_bytes_are_kept_but_not_too_many(
        self, cache: Cache, scope: Scope
    ) -> None:
        for body, reads in ((bytes(range(256)), 1), (b"", 1), (b"x" * 300_000, 2)):
            source = Source()
            source.value = body
            key = f"{scope}:{len(body)}"
            for _ in range(2):
                assert await cache.answers.answer(key, [scope], source.read) == body
            assert source.reads == reads
