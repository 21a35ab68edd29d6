"""Cached answers in a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from backend.adapters.redis_answer_cache import (
    MOST_FORESEEN,
    Foresight,
    RedisAnswerCache,
)
from backend.adapters.redis_generations import Entry, RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Answers, Command
from backend.api.list_totals import ListTotals
from backend.domain.freshness import FRESH_SECONDS, Scope, Scopes
from tests.e2e.faults import until
from tests.own_redis import OwnRedis


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

    def __init__(
        self,
        fresh_seconds: float = FRESH_SECONDS,
        hints: type[RedisHints] = RedisHints,
        url: str = "",
    ) -> None:
        url = url or settings.ENVIRONMENT.redis_url.get_secret_value()
        # However busy the machine is: these tests are not about its silence.
        self.hints = hints(url, most_seconds=20.0)
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

    @pytest.mark.faults
    async def test_of_five_hundred_at_two_processes_one_each_asks_the_source(
        self, scope: Scope
    ) -> None:
        source, both = Source(), [Cache(), Cache()]

        async def slow() -> bytes:
            await asyncio.sleep(0.3)
            return await source.read()

        # A hot entry that has just ended.
        await both[0].answers.answer(scope, [scope], slow)
        await both[0].freshness.changed(scope)
        source.reads = 0
        asked = [each.answers.answer(scope, [scope], slow) for each in both * 250]
        async with asyncio.timeout(10.0):
            answers = await asyncio.gather(*asked)
        assert set(answers) == {b"first"}
        assert 1 <= source.reads <= len(both)
        for each in both:
            await each.hints.close()

    async def test_a_change_is_seen_by_whoever_asks_after_it(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        await cache.answers.answer(scope, [scope, Scopes.ROLES], source.read)
        source.value = b"second"
        await cache.freshness.changed(scope)
        answer = await cache.answers.answer(scope, [scope, Scopes.ROLES], source.read)
        assert answer == b"second"

    async def test_one_that_is_made_of_another_gets_no_older_than_any(
        self, scope: Scope
    ) -> None:
        """A change that could not be made known has waited no longer than that."""
        cache, source = Cache(fresh_seconds=0.3), Source()
        share = ListTotals.SHARE

        async def part() -> bytes:
            return await cache.answers.answer("part", [scope], source.read, share)

        async def whole() -> bytes:
            return await cache.answers.answer("whole", [scope], part, 1 - share)

        await part()
        source.value = b"second"
        for seconds in (0.25, 0.06):
            await asyncio.sleep(seconds)
            answer = await whole()
        await cache.hints.close()
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


class TestNumber:
    SEARCHES = 10_000
    AT_ONCE = 100
    FRESH_SECONDS = 1.0
    # A counter of changes stays; an entry must not.
    MOST_LEFT = 2

    async def test_searches_that_nobody_repeats_leave_nothing_behind(
        self, tmp_path: Path, scope: Scope
    ) -> None:
        redis = OwnRedis(tmp_path)
        redis.start()
        try:
            cache = Cache(self.FRESH_SECONDS, url=redis.url)
            await self.search(cache, scope)
            assert redis.keys("*") != []
            are_gone = lambda: len(redis.keys("*")) <= self.MOST_LEFT  # noqa: E731
            until(are_gone, 30.0, "they are gone by themselves")
            await cache.hints.close()
        finally:
            redis.stop()

    async def search(self, cache: Cache, scope: Scope) -> None:
        source = Source()
        for first in range(0, self.SEARCHES, self.AT_ONCE):
            await asyncio.gather(
                *(
                    cache.answers.answer(f"search {number}", [scope], source.read)
                    for number in range(first, first + self.AT_ONCE)
                )
            )
        assert source.reads == self.SEARCHES


class CountingHints(RedisHints):
    """Counts round trips."""

    trips = 0

    async def ask(self, *commands: Command) -> Answers:
        self.trips += 1
        return await super().ask(*commands)


class TestRequests:
    """As each comes, in a context of its own: first the caller, then what he reads."""

    @pytest.fixture
    async def cache(self) -> AsyncIterator[Cache]:
        cache = Cache(hints=CountingHints)
        yield cache
        await cache.hints.close()

    @staticmethod
    async def asked(
        cache: Cache, request: str, entry: Scope, source: Source
    ) -> tuple[bytes, int]:
        """The answer, and how many round trips it took."""

        async def ask() -> bytes:
            caller = Source()
            await cache.answers.first_answer(
                "caller", [Scopes.ROLES], caller.read, request
            )
            return await cache.answers.whole_answer(entry, [entry], source.read)

        assert isinstance(cache.hints, CountingHints)
        before = cache.hints.trips
        answer = await asyncio.create_task(ask())
        return answer, cache.hints.trips - before

    async def test_one_like_it_is_answered_in_one_round_trip(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        await self.asked(cache, "GET it", scope, source)
        for _ in range(2):
            assert await self.asked(cache, "GET it", scope, source) == (b"first", 1)
        assert source.reads == 1

    async def test_a_change_is_seen_by_it(self, cache: Cache, scope: Scope) -> None:
        source = Source()
        for _ in range(2):
            await self.asked(cache, "GET it", scope, source)
        source.value = b"second"
        await cache.freshness.changed(scope)
        answer, _ = await self.asked(cache, "GET it", scope, source)
        assert answer == b"second"

    async def test_what_leads_elsewhere_is_answered_too(
        self, cache: Cache, scope: Scope
    ) -> None:
        source, other = Source(), Source()
        other.value = b"other"
        elsewhere = Scopes.media(uuid4())
        await self.asked(cache, "GET it", scope, source)
        answers = [
            await self.asked(cache, "GET it", elsewhere, other) for _ in range(3)
        ]
        assert {answer for answer, _ in answers} == {b"other"}
        assert answers[-1] == (b"other", 1)

    async def test_what_changes_something_reads_nothing_ahead(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        for _ in range(3):
            _, trips = await self.asked(cache, "", scope, source)
        assert trips == 2

    async def test_requests_of_any_length_and_number_are_not_remembered_for_ever(
        self, cache: Cache, scope: Scope
    ) -> None:
        source = Source()
        for _ in range(3):
            _, trips = await self.asked(cache, "GET " + "x" * 500, scope, source)
        assert trips == 2
        foresight, entry = Foresight(), Entry("it", (scope,))
        for number in range(MOST_FORESEEN + 1):
            foresight.learn(str(number), entry)
        assert foresight.entry("0") is None
        assert foresight.entry("1") == foresight.entry(str(MOST_FORESEEN)) == entry
