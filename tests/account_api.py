"""The API as people use it who have accounts, and those who manage them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection

from backend.config.api_container import ApiContainer
from backend.domain.accounts import Tokens
from backend.orm.models import Role
from tests.accounts import PASSWORD, Accounts
from tests.api_in_process import ApiInProcess


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    http: httpx.AsyncClient
    user_id: UUID
    tokens: Tokens

    @property
    def path(self) -> str:
        return f"/users/{self.user_id}/"

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens.access}"}
        content = {} if body is None else {"json": body}
        return await self.http.request(method, path, headers=headers, **content)

    async def get(self, path: str) -> httpx.Response:
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.ask("POST", path, body)

    async def patch(self, path: str, body: Any) -> httpx.Response:
        return await self.ask("PATCH", path, body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.ask("DELETE", path)

    async def is_signed_in(self) -> bool:
        return (await self.get("/auth/me/")).status_code == 200

    async def can_refresh(self) -> bool:
        body = {"refresh": self.tokens.refresh}
        return (await self.http.post("/auth/refresh/", json=body)).is_success


class AccountApi:
    """Speaks to the application without a socket; its stores are real."""

    def __init__(
        self, http: httpx.AsyncClient, accounts: Accounts, container: ApiContainer
    ) -> None:
        self.http = http
        self.accounts = accounts
        self.container = container

    @classmethod
    @asynccontextmanager
    async def running(cls, accounts: Accounts) -> AsyncIterator[Self]:
        container = ApiContainer(settings.ENVIRONMENT)
        async with ApiInProcess.of(container) as http:
            yield cls(http, accounts, container)

    async def person(self, email: str, role: str = "viewer") -> Person:
        """Whose password is `PASSWORD`, hashed once for all."""
        made = await self.accounts.ledger.ensure_user(email, self._hash(), role)
        return await self.again(made.user_id, email)

    async def admin(self) -> Person:
        return await self.person("admin@example.org", "admin")

    async def manager(self, *rights: str) -> Person:
        """Somebody with a role of his own that has just these rights."""
        await self.role("manager", rights)
        return await self.person("manager@example.org", "manager")

    async def again(self, user_id: UUID, email: str) -> Person:
        """Signed in once more."""
        credentials = await self.accounts.ledger.credentials(email)
        assert credentials is not None
        refresh = self.accounts.tokens.refresh(uuid4())
        await self.accounts.ledger.open_session(credentials, refresh)
        access = self.accounts.tokens.access(user_id, refresh.session_id)
        return Person(self.http, user_id, Tokens(access, refresh.text, 900))

    @staticmethod
    @cache
    def _hash() -> str:
        return make_password(PASSWORD)

    @sync_to_async
    def role(self, name: str, rights: Iterable[str]) -> None:
        Role.objects.update_or_create(name=name, defaults={"rights": list(rights)})

    @sync_to_async
    def add_viewers(self, count: int) -> None:
        with connection.cursor() as cursor:
            # So many take longer than a request may, on a machine that is busy.
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(
                """
                INSERT INTO "user" (uuid, email, password, role_id, is_active)
                SELECT gen_random_uuid(), n || '@example.org', '!', 'viewer', true
                  FROM generate_series(1, %s) n
                """,
                [count],
            )
            cursor.execute("RESET statement_timeout")

    async def everything(self) -> str:
        return await self.accounts.everything_stored()


class HeldLock:
    """A lock of another transaction, which others wait for until it is let go."""

    # pg_stat_activity shows a transaction the same again and again.
    _WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"

    def __init__(self, held: psycopg.AsyncConnection[Any]) -> None:
        self._held = held

    @classmethod
    @asynccontextmanager
    async def on(cls, statement: str, *values: object) -> AsyncIterator[Self]:
        """Committed when the block ends."""
        address = connection.get_connection_params()
        address.pop("cursor_factory")
        address.pop("context")
        async with await psycopg.AsyncConnection.connect(**address) as held:
            await held.execute(statement, values)  # type: ignore[arg-type]
            yield cls(held)

    async def until_waiting(self, most: int) -> None:
        async with asyncio.timeout(60):
            while await self._count() < most:  # noqa: ASYNC110 - a lock rings no bell
                await asyncio.sleep(0.01)

    async def _count(self) -> int:
        row = await (await self._held.execute(self._WAITING)).fetchone()
        return int(row[0]) if row else 0


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def fields(answer: httpx.Response) -> list[str]:
    return [error["field"] for error in answer.json()["errors"]]


@pytest.fixture
async def api(accounts: Accounts) -> AsyncIterator[AccountApi]:
    async with AccountApi.running(accounts) as api:
        yield api
