"""The limiter on a real Redis, without it, and in front of the real hasher."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import redis

from backend.adapters.local_attempt_limiter import LocalAttemptLimiter
from backend.adapters.password_hasher import ThreadedPasswordHasher
from backend.adapters.redis_attempt_limiter import (
    RedisAttemptLimiter,
    RedisFamiliarClients,
)
from backend.adapters.redis_hints import RedisHints
from backend.domain.attempts import Allowance
from backend.domain.errors import BadCredentials, TooManySignIns
from backend.use_cases.check_password import CheckPassword
from backend.use_cases.sign_in_limit import SignInLimit
from tests.accounts import HERE, PASSWORD, Accounts
from tests.black_hole import BlackHole
from tests.passwords import CountingArgon2
from tests.servers import TestServers

TEN = Allowance("ten", 10, 60)
EMAIL = "ann@example.org"


class Process:
    """The limit as one API process has it."""

    def __init__(self, redis_url: str) -> None:
        # An answer may take as long as a busy machine needs: these tests are of counts.
        self.redis = RedisHints(redis_url, most_seconds=5.0)
        self.limiter = RedisAttemptLimiter(self.redis, LocalAttemptLimiter())
        familiar = RedisFamiliarClients(self.redis)
        self.limit = SignInLimit(self.limiter, familiar, "a secret")

    async def takes(self, allowance: Allowance) -> bool:
        try:
            await self.limiter.take([allowance])
        except TooManySignIns:
            return False
        return True


@pytest.fixture
def redis_url(servers: TestServers) -> str:
    """Emptied of what other tests counted."""
    url = servers.environment["REDIS_URL"]
    with redis.Redis.from_url(f"{url}/1") as client:
        if keys := client.keys("attempts:*"):
            client.delete(*keys)
    return url


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[list[Process]]:
    started = [Process(redis_url) for _ in range(4)]
    yield started
    for process in started:
        await process.redis.close()


class TestRedisAttemptLimiter:
    async def test_processes_share_the_places(self, processes: list[Process]) -> None:
        tries = [one.takes(TEN) for one in processes for _ in range(50)]
        assert sum(await asyncio.gather(*tries)) == 10

    async def test_a_place_given_back_is_free_everywhere(
        self, processes: list[Process]
    ) -> None:
        one, other = processes[:2]
        for _ in range(30):
            await other.limiter.give_back(await other.limiter.take([TEN]))
        places = [await other.limiter.take([TEN]) for _ in range(10)]
        assert not await one.takes(TEN)
        await other.limiter.give_back(places[0])
        assert await one.takes(TEN)
        assert not await one.takes(TEN)

    async def test_no_place_is_taken_where_one_is_missing(
        self, processes: list[Process]
    ) -> None:
        narrow = Allowance("narrow", 1, 60)
        assert await processes[0].takes(narrow)
        for process in processes[1:]:
            with pytest.raises(TooManySignIns):
                await process.limiter.take([TEN, narrow])
        tries = [process.takes(TEN) for process in processes for _ in range(5)]
        assert sum(await asyncio.gather(*tries)) == 10

    async def test_there_is_room_after_as_many_seconds_as_it_says(
        self, processes: list[Process]
    ) -> None:
        brief = Allowance("brief", 2, 3)
        began = time.monotonic()
        assert await processes[0].takes(brief)
        assert await processes[0].takes(brief)
        with pytest.raises(TooManySignIns) as refusal:
            await processes[1].limiter.take([brief])
        left = brief.seconds - (time.monotonic() - began)
        seconds = refusal.value.retry_after_seconds
        assert left <= seconds <= brief.seconds
        await asyncio.sleep(seconds)
        assert await processes[1].takes(brief)

    async def test_familiar_clients_are_known_to_all(
        self, processes: list[Process]
    ) -> None:
        async with processes[0].limit.attempt(EMAIL, HERE):
            pass
        for number in range(100):
            with pytest.raises(BadCredentials):
                async with processes[1].limit.attempt(EMAIL, f"192.0.2.{number}"):
                    raise BadCredentials
        with pytest.raises(TooManySignIns):
            async with processes[2].limit.attempt(EMAIL, "198.51.100.1"):
                pass
        async with processes[3].limit.attempt(EMAIL, HERE):
            pass

    async def test_no_key_tells_who_it_was(
        self, processes: list[Process], redis_url: str
    ) -> None:
        async with processes[0].limit.attempt(EMAIL, "192.0.2.77"):
            pass
        with pytest.raises(BadCredentials):
            async with processes[0].limit.attempt(EMAIL, "192.0.2.77"):
                raise BadCredentials
        with redis.Redis.from_url(f"{redis_url}/1") as client:
            keys = b" ".join(client.keys("attempts:*")).decode()
        assert len(keys.split()) == 3
        assert "ann" not in keys
        assert "192" not in keys


class TestWithoutRedis:
    async def test_one_process_still_limits(self) -> None:
        process = Process(f"redis://127.0.0.1:{BlackHole.refusing_port()}")
        tries = [process.takes(TEN) for _ in range(200)]
        assert sum(await asyncio.gather(*tries)) == 10
        await process.redis.close()


class TestTheHasher:
    async def test_of_200_wrong_passwords_at_once_ten_reach_it(
        self, accounts: Accounts, argon2: type[CountingArgon2], redis_url: str
    ) -> None:
        await accounts.make()
        process, passwords = Process(redis_url), ThreadedPasswordHasher()
        check = CheckPassword(accounts.ledger, passwords, process.limit)
        argon2.work.clear()
        tries = [check.execute(EMAIL, "wrong horse battery", HERE) for _ in range(200)]
        refusals = await asyncio.gather(*tries, return_exceptions=True)
        kinds = [type(refusal) for refusal in refusals]
        assert kinds.count(BadCredentials) == 10
        assert kinds.count(TooManySignIns) == 190
        assert argon2.work == ["verify"] * 10
        with pytest.raises(TooManySignIns):
            await check.execute(EMAIL, PASSWORD, HERE)
        assert len(argon2.work) == 10
        passwords.close()
        await process.redis.close()
