"""What becomes of all sessions of an account: sign-out everywhere, a new password."""

import asyncio
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.accounts import Profile
from backend.orm.models import Session
from backend.orm.session_ledger import DjangoEndedSessions
from backend.use_cases.sign_in_limit import SignInLimit
from tests.account_api import AccountApi, HeldLock, fields, refusal
from tests.accounts import HERE, PASSWORD, Accounts

EMAIL = "ann@example.org"
NEW = "another battery staple"
CHANGE = {"old": PASSWORD, "new": NEW}


class TestSignOutEverywhere:
    async def test_every_token_of_the_account_is_dead(self, api: AccountApi) -> None:
        here, bob = await api.person(EMAIL), await api.person("bob@example.org")
        there = await api.again(here.user_id, EMAIL)
        answer = await here.post("/auth/signout/all/")
        assert (answer.status_code, answer.content) == (204, b"")
        for session in (here, there):
            assert refusal(await session.get("/auth/me/")) == (401, "invalid_token")
            assert not await session.can_refresh()
        assert await bob.is_signed_in()
        assert (await here.post("/auth/signout/all/")).status_code == 401
        assert await (await api.again(here.user_id, EMAIL)).is_signed_in()

    async def test_only_for_who_is_signed_in(self, api: AccountApi) -> None:
        for path in ("/auth/signout/all/", "/auth/password/"):
            answer = await api.http.post(path, json=CHANGE)
            assert refusal(answer) == (401, "not_authenticated")

    async def test_a_session_that_is_opened_meanwhile_dies_or_comes_after(
        self, api: AccountApi
    ) -> None:
        """Whoever was first with the account is waited for."""
        ann = await api.person(EMAIL)
        async with HeldLock.on(
            'SELECT 1 FROM "user" WHERE uuid = %s FOR UPDATE', ann.user_id
        ) as held:
            opening = asyncio.create_task(api.again(ann.user_id, EMAIL))
            await held.until_waiting(1)
            ending = asyncio.create_task(ann.post("/auth/signout/all/"))
            await held.until_waiting(2)
        assert (await ending).status_code == 204
        assert not await (await opening).is_signed_in()


class TestPassword:
    async def test_the_new_one_signs_in_and_only_this_session_lives(
        self, api: AccountApi
    ) -> None:
        here = await api.person(EMAIL)
        there = await api.again(here.user_id, EMAIL)
        answer = await here.post("/auth/password/", CHANGE)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await here.is_signed_in()
        assert await here.can_refresh()
        assert not await there.is_signed_in()
        assert not await there.can_refresh()
        for password, status in ((PASSWORD, 401), (NEW, 200)):
            body = {"email": EMAIL, "password": password}
            answer = await api.http.post("/auth/signin/", json=body)
            assert answer.status_code == status

    async def test_refusals_change_nothing(self, api: AccountApi) -> None:
        refusals: list[tuple[dict[str, Any], str, str]] = [
            ({"old": NEW}, "wrong_password", "old"),
            ({"old": NEW, "new": "password"}, "wrong_password", "old"),
            ({"new": "password"}, "weak_password", "new"),
            ({"new": "short"}, "weak_password", "new"),
            ({"new": EMAIL}, "weak_password", "new"),
            ({"new": ""}, "invalid", "new"),
            ({"new": None}, "invalid", "new"),
            ({"new": "x\x00" * 9}, "invalid", "new"),
            ({"new": "x" * 1_025}, "invalid", "new"),
            ({"old": {}}, "invalid", "old"),
            ({"email": EMAIL}, "invalid", "email"),
        ]
        here = await api.person(EMAIL)
        await api.again(here.user_id, EMAIL)
        before = await api.everything()
        for change, code, field in refusals:
            answer = await here.post("/auth/password/", CHANGE | change)
            assert (*refusal(answer), fields(answer)) == (422, code, [field]), change
        assert await api.everything() == before

    async def test_whoever_found_a_token_may_not_guess_for_long(
        self, api: AccountApi
    ) -> None:
        here = await api.person(EMAIL)
        for _ in range(SignInLimit.PAIR_MOST):
            answer = await here.post("/auth/password/", CHANGE | {"old": NEW})
            assert refusal(answer) == (422, "wrong_password")
        answer = await here.post("/auth/password/", CHANGE)
        assert refusal(answer) == (429, "too_many_sign_ins")
        assert int(answer.headers["Retry-After"]) > 0

    async def test_of_two_at_once_one_wins(self, api: AccountApi) -> None:
        ann = await api.person(EMAIL)
        async with HeldLock.on(
            'SELECT 1 FROM "user" WHERE uuid = %s FOR UPDATE', ann.user_id
        ) as held:
            both = [
                asyncio.create_task(ann.post("/auth/password/", CHANGE | {"new": new}))
                for new in ("a first battery staple", "a second battery staple")
            ]
            await held.until_waiting(2)
        answers = await asyncio.gather(*both)
        assert sorted(answer.status_code for answer in answers) == [204, 422]
        loser = next(answer for answer in answers if answer.status_code == 422)
        assert refusal(loser) == (422, "wrong_password")
        assert fields(loser) == ["old"]
        assert await ann.is_signed_in()

    async def test_who_was_signed_out_meanwhile_changes_nothing(
        self, api: AccountApi
    ) -> None:
        ann = await api.person(EMAIL)
        async with HeldLock.on(
            "UPDATE session SET revoked_at = now() WHERE user_id = %s", ann.user_id
        ) as held:
            changing = asyncio.create_task(ann.post("/auth/password/", CHANGE))
            await held.until_waiting(1)
        assert refusal(await changing) == (401, "invalid_token")
        assert await api.accounts.sign_in.execute(EMAIL, PASSWORD, HERE)


class TestPurge:
    @sync_to_async
    def _sessions(self, profile: Profile) -> None:
        now = timezone.now()
        for days, revoked in ((-3, None), (-3, now), (-1, None), (2, now), (2, None)):
            Session.objects.create(
                user_id=profile.user_id,
                refresh_digest="0" * 64,
                expires_at=now + timedelta(days=days),
                revoked_at=revoked,
            )

    async def test_what_expired_long_ago_is_forgotten_little_by_little(
        self, accounts: Accounts, database_threads: Any
    ) -> None:
        ann = await accounts.ledger.create_user(EMAIL, "!", "viewer")
        await self._sessions(ann)
        purge = DjangoEndedSessions(database_threads).purge
        assert [await purge(timedelta(days=2), 1) for _ in range(3)] == [1, 1, 0]
        assert await Session.objects.acount() == 3
