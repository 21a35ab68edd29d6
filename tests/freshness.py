"""What makes changes known in the tests that do not run a whole container."""

from collections.abc import AsyncIterator

import pytest_asyncio

from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.use_cases.ports import Freshness
from tests.calm import Calm


@pytest_asyncio.fixture
async def freshness() -> AsyncIterator[Freshness]:
    hints = Calm.hints()
    yield RedisFreshness(RedisGenerations(hints))
    await hints.close()
