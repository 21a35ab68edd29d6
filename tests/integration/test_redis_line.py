"""Many who ask on one connection to a real Redis."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from backend.adapters.redis_hints import RedisHints
from tests.own_redis import OwnRedis

CALM_SECONDS = 20.0


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    redis = OwnRedis(Path(tmp_path_factory.mktemp("redis")))
    redis.start()
    yield redis
    redis.stop()


async def test_an_error_is_no_answer_for_whoever_asked_and_for_nobody_else(
    redis: OwnRedis,
) -> None:
    hints = RedisHints(redis.url, CALM_SECONDS, pause_seconds=0.0)
    asked = [
        hints.ask(("ECHO", n), ("NONSENSE",) if n % 10 == 0 else ("ECHO", -n))
        for n in range(100)
    ]
    answers = await asyncio.gather(*asked)
    expected = [None if n % 10 == 0 else [b"%d" % n, b"%d" % -n] for n in range(100)]
    assert answers == expected
    assert await hints.ask() == []
    await hints.close()


async def test_nothing_is_sent_to_a_redis_that_does_not_let_us_in(
    redis: OwnRedis,
) -> None:
    password = redis.url.partition("@")[0].rpartition(":")[2]
    hints = RedisHints(redis.url.replace(password, "wrong"), CALM_SECONDS)
    with structlog.testing.capture_logs() as logs:
        asked = [hints.ask(("SET", "key", n)) for n in range(5)]
        assert await asyncio.gather(*asked) == [None] * 5
    await hints.close()
    assert [log["event"] for log in logs] == ["hints.away"]
    assert "WRONGPASS" in logs[0]["reason"]
    assert redis.keys("key") == []


async def test_it_may_be_asked_anew_after_it_has_been_closed(redis: OwnRedis) -> None:
    hints = RedisHints(redis.url, CALM_SECONDS)
    for _ in range(2):
        asked = asyncio.gather(*(hints.ask(("ECHO", n)) for n in range(5)))
        await asyncio.sleep(0)
        await hints.close()
        assert await asked == [[b"%d" % n] for n in range(5)]
