"""Throttling in one process: what counts, what does not, and what is forgotten."""

import asyncio

import pytest

from backend.adapters.local_attempt_limiter import LocalAttemptLimiter
from backend.domain.attempts import Allowance, ClientBlock
from backend.domain.errors import BadCredentials, Overloaded, TooManySignIns
from backend.use_cases.sign_in_limit import SignInLimit

ANN = "ann@example.org"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Familiar:
    def __init__(self) -> None:
        self.keys: set[str] = set()

    async def knows(self, key: str) -> bool:
        return key in self.keys

    async def remember(self, key: str) -> None:
        self.keys.add(key)


class World:
    """A limit, and somebody who tries passwords."""

    def __init__(self, most_keys: int = 10_000) -> None:
        self.clock = Clock()
        self.limiter = LocalAttemptLimiter(most_keys, self.clock)
        self.familiar = Familiar()
        self.limit = SignInLimit(self.limiter, self.familiar, "a secret")

    async def fail(self, email: str = ANN, address: str = "192.0.2.1") -> None:
        with pytest.raises(BadCredentials):
            async with self.limit.attempt(email, address):
                raise BadCredentials

    async def succeed(self, email: str = ANN, address: str = "192.0.2.1") -> None:
        async with self.limit.attempt(email, address):
            pass

    async def refused(self, email: str = ANN, address: str = "192.0.2.1") -> int:
        with pytest.raises(TooManySignIns) as refusal:
            await self.succeed(email, address)
        return refusal.value.retry_after_seconds


@pytest.fixture
def world() -> World:
    return World()


class TestSignInLimit:
    async def test_the_window_slides(self, world: World) -> None:
        for _ in range(10):
            await world.fail()
            world.clock.seconds += 10
        assert await world.refused() == 200
        world.clock.seconds += 199
        assert await world.refused() == 1
        world.clock.seconds += 1
        await world.fail()
        assert await world.refused() == 10

    async def test_right_passwords_count_nothing(self, world: World) -> None:
        for _ in range(50):
            await world.succeed()
        for _ in range(10):
            await world.fail()
        await world.refused()

    async def test_a_password_that_nobody_looked_at_counts_nothing(
        self, world: World
    ) -> None:
        for _ in range(50):
            with pytest.raises(Overloaded):
                async with world.limit.attempt(ANN, "192.0.2.1"):
                    raise Overloaded
        await world.succeed()

    async def test_one_who_leaves_while_it_is_looked_at_has_tried(
        self, world: World
    ) -> None:
        for _ in range(10):
            with pytest.raises(asyncio.CancelledError):
                async with world.limit.attempt(ANN, "192.0.2.1"):
                    raise asyncio.CancelledError
        await world.refused()

    async def test_spellings_of_an_address_are_one_account(self, world: World) -> None:
        for email in ("ann@example.org", "ANN@Example.org") * 5:
            await world.fail(email)
        await world.refused(" Ann@example.ORG")
        await world.succeed("bob@example.org")
        await world.succeed(address="192.0.2.2")

    async def test_an_ipv6_network_is_one_client(self, world: World) -> None:
        for host in range(10):
            await world.fail(address=f"2001:db8:0:7::{host:x}")
        await world.refused(address="2001:db8:0:7:ffff::1")
        await world.succeed(address="2001:db8:0:8::1")

    async def test_one_client_that_tries_many_accounts(self, world: World) -> None:
        for number in range(100):
            await world.fail(f"{number}@example.org")
        assert await world.refused() == 300
        await world.succeed(address="192.0.2.2")

    async def test_many_clients_that_try_one_account_lock_out_only_strangers(
        self, world: World
    ) -> None:
        await world.succeed(address="198.51.100.1")
        for number in range(100):
            await world.fail(address=f"192.0.2.{number}")
        assert await world.refused(address="203.0.113.1") == 3600
        await world.succeed(address="198.51.100.1")
        for _ in range(10):
            await world.fail(address="198.51.100.1")
        await world.refused(address="198.51.100.1")

    async def test_sign_ups(self, world: World) -> None:
        for _ in range(SignInLimit.SIGN_UPS_MOST):
            await world.limit.sign_up("192.0.2.1")
        with pytest.raises(TooManySignIns):
            await world.limit.sign_up("192.0.2.1")
        await world.limit.sign_up("192.0.2.2")
        await world.succeed()


class TestLocalAttemptLimiter:
    async def test_made_up_keys_push_out_only_what_nobody_uses(self) -> None:
        world = World(most_keys=100)
        for number in range(1_000):
            for _ in range(2):
                await world.fail(f"{number}@example.org", f"192.0.2.{number // 50}")
            if number % 20 == 0 and number >= 800:
                await world.fail(ANN, "198.51.100.1")
        await world.refused("1001@example.org", "192.0.2.19")
        await world.refused(ANN, "198.51.100.1")

    async def test_no_place_is_taken_where_one_is_missing(self) -> None:
        limiter = LocalAttemptLimiter()
        narrow, wide = Allowance("narrow", 1, 60), Allowance("wide", 3, 60)
        await limiter.take([wide, narrow])
        for _ in range(5):
            with pytest.raises(TooManySignIns):
                await limiter.take([wide, narrow])
        await limiter.take([wide])
        await limiter.take([wide])


class TestClientBlock:
    @pytest.mark.parametrize(
        ("address", "block"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            # How a socket that listens for both shows clients of IPv4.
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:201", "192.0.2.1"),
            ("fe80::1%eth0", "fe80::/64"),
            ("unknown", "unknown"),
        ],
    )
    def test_what_one_client_may_choose_from(self, address: str, block: str) -> None:
        assert ClientBlock.of(address) == block
