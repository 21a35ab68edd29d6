"""How often Redis is waited for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx
import pytest
from django.conf import settings

from backend.adapters.redis_answer_cache import RedisAnswerCache
from backend.adapters.redis_generations import RedisGenerations
from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_line import Answers, Command
from backend.config.api_container import ApiContainer
from backend.domain.freshness import Scope
from backend.use_cases.ports import Freshness
from tests.accounts import Accounts
from tests.api_in_process import ApiInProcess
from tests.calm import Calm
from tests.shelf import Shelf


class CountingHints(RedisHints):
    trips = 0

    async def ask(self, *commands: Command) -> Answers:
        self.trips += 1
        return await super().ask(*commands)


class CountingCache(RedisAnswerCache):
    """`asked` counts those who have an answer to make, should it not be there."""

    asked = 0

    async def whole_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        self.asked += 1
        return await super().whole_answer(key, scopes, make, share)


@pytest.fixture
def hints() -> CountingHints:
    url = settings.ENVIRONMENT.redis_url.get_secret_value()
    return CountingHints(url, Calm.SECONDS)


@pytest.fixture
def cache(hints: CountingHints) -> CountingCache:
    return CountingCache(RedisGenerations(hints, fresh_seconds=60.0))


@pytest.fixture
async def http(
    hints: CountingHints, cache: CountingCache
) -> AsyncIterator[httpx.AsyncClient]:
    container = ApiContainer(settings.ENVIRONMENT)
    container.redis_hints = hints
    container.answer_cache = cache
    async with ApiInProcess.of(container) as http:
        yield http


async def test_a_read_that_was_asked_before_takes_one(
    http: httpx.AsyncClient,
    hints: CountingHints,
    cache: CountingCache,
    accounts: Accounts,
    freshness: Freshness,
) -> None:
    """Session and answer together, and nobody who could make the answer is asked."""
    tokens = await accounts.signed_in("ann@example.org", "media_operator")
    headers = {"Authorization": f"Bearer {tokens.access}"}
    shelf = await Shelf.of("ann@example.org", freshness)
    [media_id] = await shelf.put("A film")
    for path in (f"/media/{media_id}/", "/media/?owner=me", "/search?title=film"):
        for _ in range(2):
            assert (await http.get(path, headers=headers)).status_code == 200
        trips, asked = hints.trips, cache.asked
        assert (await http.get(path, headers=headers)).status_code == 200
        assert (hints.trips - trips, cache.asked - asked) == (1, 0), path
