"""Throttled sign-in over HTTP, from addresses that are what they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from secrets import token_hex

import httpx
import pytest
from django.conf import settings

from backend.config.api_container import ApiContainer
from tests.accounts import PASSWORD, Accounts
from tests.api_in_process import ApiInProcess

WRONG = "wrong horse battery"
PROXY = "10.0.0.1"


class Peer:
    """Whoever opens the connection to the API."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    @asynccontextmanager
    async def at(cls, address: str, trusted: str) -> AsyncIterator["Peer"]:
        known = {"trusted_proxies": (ip_network(trusted),)}
        container = ApiContainer(settings.ENVIRONMENT.model_copy(update=known))
        async with ApiInProcess.of(container, address) as http:
            yield cls(http)

    async def sign_in(
        self, email: str, password: str, *forwarded: str
    ) -> httpx.Response:
        return await self._http.post(
            "/auth/signin/",
            json={"email": email, "password": password},
            headers=[("X-Forwarded-For", value) for value in forwarded],
        )


@pytest.fixture
async def stranger(accounts: Accounts) -> AsyncIterator[Peer]:
    async with Peer.at("198.51.100.7", trusted=PROXY) as peer:
        yield peer


@pytest.fixture
async def proxy(accounts: Accounts) -> AsyncIterator[Peer]:
    async with Peer.at(PROXY, trusted=PROXY) as peer:
        yield peer


@pytest.fixture
def email() -> str:
    """Nobody else's, as what is counted outlives a test."""
    return f"{token_hex(8)}@example.org"


class TestThrottledSignIn:
    async def test_forged_addresses_change_nothing(
        self, stranger: Peer, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email)
        for number in range(10):
            answer = await stranger.sign_in(email, WRONG, f"203.0.113.{number}")
            assert answer.status_code == 401
        refused = await stranger.sign_in(email, PASSWORD, "203.0.113.99")
        assert refused.status_code == 429
        assert refused.json()["code"] == "too_many_sign_ins"
        assert 200 <= int(refused.headers["retry-after"]) <= 300

    async def test_a_trusted_proxy_tells_its_clients_apart(
        self, proxy: Peer, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email)
        guilty, other = "203.0.113.1", "203.0.113.2"
        for number in range(10):
            forged = f"192.0.2.{number}, {guilty}"
            assert (await proxy.sign_in(email, WRONG, forged)).status_code == 401
        assert (await proxy.sign_in(email, PASSWORD, guilty)).status_code == 429
        assert (await proxy.sign_in(email, PASSWORD, other)).status_code == 200
        assert (await proxy.sign_in(email, PASSWORD)).status_code == 200

    async def test_unknown_accounts_are_throttled_like_any(
        self, stranger: Peer, email: str
    ) -> None:
        for _ in range(10):
            assert (await stranger.sign_in(email, WRONG)).status_code == 401
        refused = await stranger.sign_in(email, WRONG)
        assert refused.json()["code"] == "too_many_sign_ins"

    async def test_right_passwords_are_never_too_many(
        self, stranger: Peer, accounts: Accounts, email: str
    ) -> None:
        await accounts.make(email)
        for _ in range(12):
            assert (await stranger.sign_in(email, PASSWORD)).status_code == 200
