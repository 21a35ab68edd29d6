"""Callers that are remembered for a while, on the real PostgreSQL and Redis."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from backend.config.api_container import ApiContainer
from backend.domain.accounts import Tokens
from backend.domain.freshness import Scopes
from backend.domain.media import Caller
from tests.accounts import Accounts
from tests.calm import Calm


class Known:
    """Asks as the middleware of one API process does."""

    def __init__(self, accounts: Accounts) -> None:
        self.container = ApiContainer(settings.ENVIRONMENT)
        Calm.make(self.container)
        self._accounts = accounts

    async def caller(self, tokens: Tokens) -> Caller | None:
        claims = self._accounts.tokens.read_access(tokens.access)
        return await self.container.callers.caller(claims)


@pytest.fixture
async def known(accounts: Accounts) -> AsyncIterator[Known]:
    known = Known(accounts)
    yield known
    await known.container.close()


class TestKnownCallers:
    async def test_what_is_remembered_is_the_caller(
        self, known: Known, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in("ann@example.org", "media_operator")
        callers = [await known.caller(tokens) for _ in range(3)]
        assert callers == [await accounts.caller(tokens)] * 3

    async def test_a_change_of_the_user_or_of_a_role_is_seen_at_once(
        self, known: Known, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in("ann@example.org", "admin")
        caller = await known.caller(tokens)
        assert caller is not None
        for scope, role in (
            (Scopes.user(caller.user_id), "viewer"),
            (Scopes.ROLES, "media_operator"),
        ):
            await accounts.change(caller.user_id, role_id=role)
            await known.container.freshness.changed(scope)
            changed = await known.caller(tokens)
            assert changed is not None
            assert changed.role == role

    async def test_whoever_ends_a_session_is_heard(
        self, known: Known, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        caller = await known.caller(tokens)
        assert caller is not None
        await accounts.sign_out.execute(caller, tokens.refresh)
        assert await known.caller(tokens) is None

    async def test_a_role_given_by_the_command_line_is_seen_at_once(
        self, known: Known, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        assert await known.caller(tokens) is not None
        await accounts.make(role="admin")
        caller = await known.caller(tokens)
        assert caller is not None
        assert caller.role == "admin"

    async def test_a_session_that_is_about_to_expire_is_not_remembered(
        self, known: Known, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        await accounts.change_sessions(expires_at=timezone.now() + timedelta(seconds=3))
        assert await known.caller(tokens) is not None
        await accounts.change_sessions(expires_at=timezone.now())
        assert await known.caller(tokens) is None

    async def test_a_session_that_is_unknown_is_not_remembered_either(
        self, known: Known, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        await accounts.change_sessions(revoked_at=timezone.now())
        assert await known.caller(tokens) is None
        await accounts.change_sessions(revoked_at=None)
        assert await known.caller(tokens) is not None


class TestReadAhead:
    async def test_the_same_words_of_two_are_two_requests(
        self, known: Known, accounts: Accounts
    ) -> None:
        """And what one read ahead is not shown to another."""
        both = [await accounts.signed_in(f"{n}@example.org") for n in ("ann", "bob")]
        cache = known.container.answer_cache

        async def mine(tokens: Tokens) -> bytes:
            claims = accounts.tokens.read_access(tokens.access)
            assert await known.container.callers.caller(claims, "/media/?owner=me")
            name = str(claims.user_id)

            async def make() -> bytes:
                return name.encode()

            return await cache.answer(f"of:{name}", [Scopes.MEDIA_LISTS], make)

        for _ in range(3):
            for tokens in both:
                user = accounts.tokens.read_access(tokens.access).user_id
                assert await asyncio.create_task(mine(tokens)) == str(user).encode()
