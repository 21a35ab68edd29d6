"""The admin site as a browser sees it, without a socket."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, Self

import httpx
import pytest
from django.conf import settings

from backend.config.api_container import ApiContainer
from tests.accounts import PASSWORD, Accounts
from tests.calm import Calm

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """Keeps cookies, sends the hidden token of forms, follows no redirect by itself."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    @classmethod
    @asynccontextmanager
    async def at(
        cls, address: str = "127.0.0.1", **environment: Any
    ) -> AsyncIterator[Self]:
        known = settings.ENVIRONMENT.model_copy(update=environment)
        container = ApiContainer(known)
        Calm.make(container)
        transport = httpx.ASGITransport(
            app=container.application,  # type: ignore[arg-type]
            client=(address, 4711),
        )
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost"
        ) as http:
            yield cls(http)
        await container.close()

    async def get(self, path: str = "", **options: Any) -> httpx.Response:
        return await self.http.get(f"/admin/{path}", **options)

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """With the token that is on the page of the sign-in, whoever is signed in."""
        token = _TOKEN.search((await self.get("login/?next=/admin/")).text)
        if token is None:
            token = _TOKEN.search((await self.get()).text)
        assert token is not None
        fields["csrfmiddlewaretoken"] = token[1]
        return await self.http.post(f"/admin/{path}", data=fields)

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("login/?next=/admin/", username=email, password=password)


@pytest.fixture
async def browser(accounts: Accounts) -> AsyncIterator[Browser]:
    async with Browser.at("198.51.100.20") as browser:
        yield browser


@pytest.fixture
def email() -> str:
    """Nobody else's, as what is counted outlives a test."""
    return f"{token_hex(8)}@example.org"


@pytest.fixture
async def staff(browser: Browser, accounts: Accounts, email: str) -> Browser:
    await accounts.make(email, "admin")
    await browser.sign_in(email)
    return browser
