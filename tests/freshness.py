"""What makes changes known in the tests that do not run a whole container."""

from collections.abc import AsyncIterator

import pytest_asyncio
from django.conf import settings

from backend.adapters.redis_generations import RedisFreshness, RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.use_cases.ports import Freshness


@pytest_asyncio.fixture
async def freshness() -> AsyncIterator[Freshness]:
    hints = RedisHints(settings.ENVIRONMENT.redis_url.get_secret_value())
    yield RedisFreshness(RedisGenerations(hints))
    await hints.close()
