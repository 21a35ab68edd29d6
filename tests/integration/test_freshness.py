"""Nobody is shown the state before a change that was answered, whatever Redis loses."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from backend.adapters.redis_answer_cache import RedisAnswerCache
from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Command
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import User
from tests.fresh_steps import SCOPES, FreshSteps, Parts, Stale, VersionedRow
from tests.own_redis import OwnRedis

STEPS = 10_000


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path_factory.mktemp("redis"))
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture
async def row(
    clean_database: object, database_threads: DatabaseThreads
) -> VersionedRow:
    user = await sync_to_async(User.objects.create)(
        email="row@example.org", password="0", role_id="viewer"
    )
    return VersionedRow(database_threads, user.uuid)


@pytest.fixture
def seed() -> str:
    return os.environ.get("INTERLEAVINGS_SEED") or str(random.randrange(10**6))


async def tell_then_commit(
    commit: Awaitable[None], tell: Callable[[], Awaitable[None]]
) -> None:
    await tell()
    await commit


class Impatient(RedisFreshness):
    async def changed(self, *scopes: Any) -> None:
        await self.touched(*scopes)


class Rewritten(RedisGenerations):
    """Has a script say something else."""

    REWRITES: tuple[tuple[str, str], ...]

    def _command(self, script: str, keys: Any, *arguments: Any) -> Command:
        for old, new in self.REWRITES:
            script = script.replace(old, new)
        return super()._command(script, keys, *arguments)


class Unchecked(Rewritten):
    """What was made is stored under the generations of now."""

    REWRITES = (
        ("table.concat(generations, ' ') ~= ARGV[1] or", ""),
        ("'stamp', ARGV[1], 'at'", "'stamp', table.concat(generations, ' '), 'at'"),
    )


class FixedStart(Rewritten):
    """A lost generation is the same each time."""

    REWRITES = (("generation = ARGV[1]", "generation = '1'"),)


class AnyFlight:
    def __init__(self, flight: Any) -> None:
        self.task = flight.task

    def may_be_joined(self, *_: Any) -> bool:
        return True


class JoinsAny(RedisAnswerCache):
    def _start(self, key: str, flight: Any) -> None:
        super()._start(key, AnyFlight(flight))  # type: ignore[arg-type]


class ForeseesAll(RedisAnswerCache):
    """What was read ahead is used again by whoever comes later."""

    _last: Any = None

    def _read_ahead(self, entry: Any) -> Any:
        self._last = super()._read_ahead(entry) or self._last
        return self._last


WRONG = {
    "told before the commit": Parts(change=tell_then_commit),
    "no wait": Parts(freshness=Impatient),
    "store without a check": Parts(generations=Unchecked),
    "joins any flight": Parts(answers=JoinsAny),
    "reads ahead for others": Parts(answers=ForeseesAll),
    "fixed first generation": Parts(generations=FixedStart),
}
# Takes a minute to be seen.
SELDOM = "reads ahead for others"


class TestFreshness:
    async def test_no_reader_goes_back_behind_an_answered_change(
        self, redis: OwnRedis, row: VersionedRow, seed: str
    ) -> None:
        steps = FreshSteps(redis, row, seed, Parts())
        try:
            await steps.run(STEPS)
        except Stale as stale:
            pytest.fail(f"INTERLEAVINGS_SEED={seed}: {stale}")
        # It was a cache all the while.
        assert steps.hits > steps.reads / 20
        assert steps.writes > 20

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize(
        "wrong",
        [
            *(name for name in WRONG if name != SELDOM),
            pytest.param(SELDOM, marks=pytest.mark.faults),
        ],
    )
    async def test_what_is_wrong_would_be_seen(
        self, redis: OwnRedis, row: VersionedRow, wrong: str
    ) -> None:
        with pytest.raises(Stale):
            await FreshSteps(redis, row, "a seed", WRONG[wrong]).run(9 * STEPS)


class Process:
    """What one API process has of the cache, with the lifetimes that it really has."""

    def __init__(self, redis: OwnRedis) -> None:
        self.hints = RedisHints(redis.url, most_seconds=20.0, pause_seconds=0.0)
        generations = RedisGenerations(self.hints)
        self.answers = RedisAnswerCache(generations)
        self.freshness = RedisFreshness(generations)

    async def answer(self, key: str, row: VersionedRow) -> bytes:
        return await self.answers.answer(key, SCOPES, row.read)


class TestRedisThatComesBack:
    async def test_from_a_snapshot_it_shows_nothing_from_before_a_change(
        self, tmp_path: Path, row: VersionedRow
    ) -> None:
        redis = OwnRedis(tmp_path / "redis")
        redis.start()
        process = Process(redis)
        assert await process.answer("snapshot", row) == b"0"
        await asyncio.to_thread(redis.save)
        await row.write(1)
        await process.freshness.changed(*SCOPES)
        await asyncio.to_thread(redis.stop)
        await asyncio.to_thread(redis.start)
        assert any("entry:snapshot" in key for key in redis.keys("*"))
        # The first may find that its connection was lost; the second asks Redis.
        answers = [await process.answer("snapshot", row) for _ in range(2)]
        assert answers == [b"1", b"1"]
        await process.hints.close()
        redis.stop()


class TestCancelledRequests:
    async def test_no_answer_of_theirs_goes_to_anybody_else(
        self, redis: OwnRedis
    ) -> None:
        """Half a reply that is left on a connection would be the next one's."""
        process = Process(redis)
        keys = [f"{uuid4()}" for _ in range(50)]

        async def asked(key: str) -> bytes:
            return await process.answers.answer(key, SCOPES, lambda: made(key))

        async def made(key: str) -> bytes:
            return key.encode() * 100

        dice = random.Random(11)
        for _ in range(500):
            cancelled = asyncio.create_task(asked(dice.choice(keys)))
            for _ in range(dice.randrange(6)):
                await asyncio.sleep(0)
            cancelled.cancel()
        for _ in range(20):
            answers = await asyncio.gather(*(asked(key) for key in keys))
            assert answers == [key.encode() * 100 for key in keys]
        await process.hints.close()
