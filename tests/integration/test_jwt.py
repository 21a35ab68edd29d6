"""JWT: what sign-in gives, what refresh and sign-out do to it."""

import asyncio
import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from backend.adapters.password_hasher import ThreadedPasswordHasher
from backend.domain.accounts import Tokens
from backend.domain.errors import (
    BadCredentials,
    EmailTaken,
    InvalidToken,
    SignupClosed,
    WeakPassword,
)
from backend.use_cases.check_password import CheckPassword
from backend.use_cases.sign_up import SignUp
from tests.accounts import HERE, PASSWORD, Accounts
from tests.passwords import CountingArgon2

EMAIL = "ann@example.org"


class TestSignUp:
    async def test_it_makes_a_viewer_who_can_sign_in(self, accounts: Accounts) -> None:
        made = await accounts.sign_up.execute("Ann@Example.ORG", PASSWORD, HERE)
        assert (made.email, made.role, made.is_active) == (EMAIL, "viewer", True)
        tokens = await accounts.sign_in.execute("ANN@example.org", PASSWORD, HERE)
        assert (await accounts.known_caller(tokens)).user_id == made.user_id

    async def test_refusals(self, accounts: Accounts) -> None:
        await accounts.sign_up.execute(EMAIL, PASSWORD, HERE)
        with pytest.raises(EmailTaken):
            await accounts.sign_up.execute(EMAIL.upper(), PASSWORD, HERE)
        with pytest.raises(WeakPassword) as weak:
            await accounts.sign_up.execute("bob@example.org", "password", HERE)
        assert set(weak.value.problems) == {"password"}
        closed = SignUp(
            accounts.ledger, accounts.passwords, accounts.limit, is_open=False
        )
        with pytest.raises(SignupClosed):
            await closed.execute("bob@example.org", PASSWORD, HERE)
        assert await accounts.ledger.credentials("bob@example.org") is None


class TestJwtSignIn:
    async def test_the_access_token_names_the_caller(self, accounts: Accounts) -> None:
        made = await accounts.make(role="media_operator")
        tokens = await accounts.sign_in.execute(EMAIL, PASSWORD, HERE)
        caller = await accounts.known_caller(tokens)
        assert (caller.user_id, caller.email) == (made.user_id, EMAIL)
        assert caller.role == "media_operator"
        assert tokens.expires_in_seconds == 900

    async def test_unknown_wrong_and_inactive_look_the_same(
        self, accounts: Accounts
    ) -> None:
        await accounts.make()
        gone = await accounts.make("gone@example.org")
        await accounts.change(gone.user_id, is_active=False)
        seen = set()
        for email, password in (
            ("nobody@example.org", PASSWORD),
            (EMAIL, "wrong horse battery"),
            ("gone@example.org", PASSWORD),
            ("gone@example.org", "wrong horse battery"),
        ):
            with pytest.raises(BadCredentials) as refused:
                await accounts.sign_in.execute(email, password, HERE)
            seen.add((refused.type, str(refused.value)))
        assert len(seen) == 1
        assert await accounts.live_sessions() == 0

    async def test_every_refusal_computes_exactly_one_hash(
        self,
        accounts: Accounts,
        argon2: type[CountingArgon2],
    ) -> None:
        passwords = ThreadedPasswordHasher()
        check = CheckPassword(accounts.ledger, passwords, accounts.limit)
        await accounts.make()
        gone = await accounts.make("gone@example.org")
        await accounts.change(gone.user_id, is_active=False)
        wrong = "wrong horse battery"
        for email, password in (
            ("nobody@example.org", wrong),
            (EMAIL, wrong),
            ("gone@example.org", wrong),
            ("gone@example.org", PASSWORD),
        ):
            argon2.work.clear()
            with pytest.raises(BadCredentials):
                await check.execute(email, password, HERE)
            assert argon2.work == ["verify"], email
        passwords.close()

    async def test_sessions_of_one_account_are_apart(self, accounts: Accounts) -> None:
        one = await accounts.signed_in()
        two = await accounts.sign_in.execute(EMAIL, PASSWORD, HERE)
        await accounts.sign_out.execute(await accounts.known_caller(one), one.refresh)
        assert await accounts.caller(one) is None
        assert await accounts.caller(two) is not None


class TestJwtRefresh:
    async def test_it_rotates(self, accounts: Accounts) -> None:
        first = await accounts.signed_in()
        second = await accounts.refresh.execute(first.refresh)
        third = await accounts.refresh.execute(second.refresh)
        assert len({first.refresh, second.refresh, third.refresh}) == 3
        assert await accounts.caller(third) == await accounts.caller(first)

    async def test_a_second_use_kills_the_session(self, accounts: Accounts) -> None:
        first = await accounts.signed_in()
        second = await accounts.refresh.execute(first.refresh)
        with pytest.raises(InvalidToken):
            await accounts.refresh.execute(first.refresh)
        with pytest.raises(InvalidToken):
            await accounts.refresh.execute(second.refresh)
        assert await accounts.caller(first) is None
        assert await accounts.caller(second) is None

    async def test_a_second_use_spares_other_sessions(self, accounts: Accounts) -> None:
        stolen = await accounts.signed_in()
        other = await accounts.sign_in.execute(EMAIL, PASSWORD, HERE)
        await accounts.refresh.execute(stolen.refresh)
        with pytest.raises(InvalidToken):
            await accounts.refresh.execute(stolen.refresh)
        assert await accounts.refresh.execute(other.refresh)

    @pytest.mark.parametrize("round_", range(5))
    async def test_of_twenty_at_once_one_gets_tokens(
        self, accounts: Accounts, round_: int
    ) -> None:
        first = await accounts.signed_in()
        ended = await asyncio.gather(
            *(accounts.refresh.execute(first.refresh) for _ in range(20)),
            return_exceptions=True,
        )
        pairs = [end for end in ended if isinstance(end, Tokens)]
        assert len(pairs) == 1
        assert sum(isinstance(end, InvalidToken) for end in ended) == 19
        # Nineteen used it again, so nobody knows who the thief is: the family is dead.
        assert await accounts.live_sessions() == 0
        assert await accounts.caller(pairs[0]) is None

    async def test_a_successor_made_meanwhile_does_not_outlive_a_sign_out(
        self, accounts: Accounts
    ) -> None:
        first = await accounts.signed_in()
        caller = await accounts.known_caller(first)
        ended = await asyncio.gather(
            accounts.refresh.execute(first.refresh),
            accounts.sign_out.execute(caller, first.refresh),
            return_exceptions=True,
        )
        assert ended[1] is None
        if isinstance(ended[0], Tokens):
            assert await accounts.caller(ended[0]) is None
            with pytest.raises(InvalidToken):
                await accounts.refresh.execute(ended[0].refresh)

    async def test_an_inactive_account_does_not_refresh(
        self, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        user_id = (await accounts.known_caller(tokens)).user_id
        await accounts.change(user_id, is_active=False)
        with pytest.raises(InvalidToken):
            await accounts.refresh.execute(tokens.refresh)

    async def test_a_session_ends_by_the_clock_of_the_database(
        self, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        await accounts.change_sessions(expires_at=timezone.now() - timedelta(seconds=1))
        assert await accounts.caller(tokens) is None
        with pytest.raises(InvalidToken):
            await accounts.refresh.execute(tokens.refresh)

    async def test_access_and_odd_tokens_refresh_nothing(
        self, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        for odd in (tokens.access, "", "a.b.c", "\x00", "é" * 99, "a" * 12_288):
            with pytest.raises(InvalidToken):
                await accounts.refresh.execute(odd)
        assert await accounts.caller(tokens) is not None


class TestJwtSignOut:
    async def test_both_tokens_die(self, accounts: Accounts) -> None:
        tokens = await accounts.signed_in()
        caller = await accounts.known_caller(tokens)
        await accounts.sign_out.execute(caller, tokens.refresh)
        assert await accounts.caller(tokens) is None
        with pytest.raises(InvalidToken):
            await accounts.refresh.execute(tokens.refresh)

    async def test_another_session_of_the_caller_ends_too(
        self, accounts: Accounts
    ) -> None:
        here = await accounts.signed_in()
        there = await accounts.sign_in.execute(EMAIL, PASSWORD, HERE)
        caller = await accounts.known_caller(here)
        await accounts.sign_out.execute(caller, there.refresh)
        assert await accounts.caller(here) is None
        assert await accounts.caller(there) is None

    async def test_a_token_of_somebody_else_ends_nothing(
        self, accounts: Accounts
    ) -> None:
        ann = await accounts.signed_in()
        bob = await accounts.signed_in("bob@example.org")
        with pytest.raises(InvalidToken):
            await accounts.sign_out.execute(
                await accounts.known_caller(ann), bob.refresh
            )
        assert await accounts.caller(ann) is not None
        assert await accounts.caller(bob) is not None

    async def test_an_old_refresh_token_signs_out_too(self, accounts: Accounts) -> None:
        first = await accounts.signed_in()
        second = await accounts.refresh.execute(first.refresh)
        caller = await accounts.known_caller(second)
        await accounts.sign_out.execute(caller, first.refresh)
        assert await accounts.caller(second) is None


class TestJwtSecrecy:
    async def test_no_row_and_no_log_line_has_a_token_or_password(
        self, accounts: Accounts, caplog: pytest.LogCaptureFixture, settings: Settings
    ) -> None:
        settings.DEBUG = True  # Makes Django log its queries.
        with caplog.at_level(logging.DEBUG):
            first = await accounts.signed_in()
            second = await accounts.refresh.execute(first.refresh)
            with pytest.raises(InvalidToken):
                await accounts.refresh.execute(first.refresh)
            with pytest.raises(BadCredentials):
                await accounts.sign_in.execute(EMAIL, PASSWORD + "!", HERE)
        written = await accounts.everything_stored() + caplog.text
        assert EMAIL in written
        for secret in ("eyJ", PASSWORD, first.access, second.refresh):
            assert secret not in written
