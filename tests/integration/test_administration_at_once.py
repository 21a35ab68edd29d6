"""Administrators at work at the same time, and how fast their changes are known."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.freshness import Scope, Scopes
from backend.domain.jobs import RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Session
from backend.use_cases.ports import Freshness
from tests.account_api import AccountApi, HeldLock, Person, refusal
from tests.accounts import PASSWORD
from tests.ledger_world import LedgerWorld

Change = Callable[[], Awaitable[httpx.Response]]


async def at_once(
    *changes: Change, held_by: str = 'SELECT 1 FROM "user" FOR UPDATE'
) -> list[httpx.Response]:
    """All of them have begun before one of them goes on."""
    async with HeldLock.on(held_by) as held:
        tasks = [asyncio.ensure_future(change()) for change in changes]
        await held.until_waiting(len(tasks))
    return list(await asyncio.gather(*tasks))


class TestLastAdminAtOnce:
    @pytest.fixture
    async def two(self, api: AccountApi) -> Sequence[Person]:
        return await api.admin(), await api.person("other@example.org", "admin")

    async def managers(self, api: AccountApi, people: Sequence[Person]) -> int:
        answers = [await person.get("/users/") for person in people]
        return sum(answer.status_code == 200 for answer in answers)

    async def test_each_demotes_the_other(
        self, api: AccountApi, two: Sequence[Person]
    ) -> None:
        one, other = two
        answers = await at_once(
            lambda: one.patch(other.path, {"role": "viewer"}),
            lambda: other.patch(one.path, {"role": "viewer"}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 403]
        assert await self.managers(api, two) == 1

    async def test_each_takes_his_leave(
        self, api: AccountApi, two: Sequence[Person]
    ) -> None:
        """Held when both could have changed their own rows: each saw the other there."""
        for person in two:
            unused = Session(user_id=person.user_id, refresh_digest="0" * 64)
            unused.expires_at = timezone.now() + timedelta(days=1)
            await unused.asave(force_insert=True)
        changes = [
            functools.partial(person.patch, person.path, {"is_active": False})
            for person in two
        ]
        hold = "SELECT 1 FROM session WHERE refresh_digest ~ '^0+$' FOR UPDATE"
        answers = await at_once(*changes, held_by=hold)
        refused = [answer for answer in answers if not answer.is_success]
        assert [refusal(answer) for answer in refused] == [(409, "last_admin")]
        assert await self.managers(api, two) == 1

    async def test_one_goes_while_the_role_of_the_other_loses_the_right(
        self, api: AccountApi
    ) -> None:
        admin = await api.admin()
        manager = await api.manager("user.manage", "role.manage")
        answers = await at_once(
            lambda: admin.patch(admin.path, {"role": "viewer"}),
            lambda: manager.patch("/roles/manager/", {"rights": []}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert await self.managers(api, (admin, manager)) == 1


class TestOthersAtOnce:
    async def test_a_role_is_given_while_it_is_deleted(self, api: AccountApi) -> None:
        admin, ann = await api.admin(), await api.person("ann@example.org")
        await api.role("editor", [])
        answers = await at_once(
            lambda: admin.patch(ann.path, {"role": "editor"}),
            lambda: admin.delete("/roles/editor/"),
        )
        statuses = [answer.status_code for answer in answers]
        assert statuses in ([200, 409], [422, 204])

    async def test_of_many_with_one_address_or_name_one_is_made(
        self, api: AccountApi
    ) -> None:
        admin = await api.admin()
        user = {"email": "ann@example.org", "password": PASSWORD, "role": "viewer"}
        role = {"name": "editor", "rights": []}
        sign_up = {"email": user["email"], "password": PASSWORD}
        users = await asyncio.gather(
            *(admin.post("/users/", user) for _ in range(3)),
            *(admin.post("/auth/signup/", sign_up) for _ in range(3)),
        )
        roles = await asyncio.gather(*(admin.post("/roles/", role) for _ in range(4)))
        assert sorted(answer.status_code for answer in users) == [201] + 5 * [409]
        assert sorted(answer.status_code for answer in roles) == [201] + 3 * [409]


class TestKnownAtOnce:
    """A cached answer from before a change is not given after it."""

    async def is_remade(self, api: AccountApi, scope: Scope, change: Change) -> bool:
        made = 0

        async def make() -> bytes:
            nonlocal made
            made += 1
            return b"answer"

        cache, key = api.container.answer_cache, str(uuid4())
        # Until it is cached: what a busy Redis does not answer in time is not.
        async with asyncio.timeout(60):
            before = -1
            while made != before:
                before = made
                await asyncio.sleep(0)
                await cache.answer(key, [scope], make)
        assert made > 0
        assert (await change()).is_success
        await cache.answer(key, [scope], make)
        return made == before + 1

    async def test_accounts_sessions_and_roles(self, api: AccountApi) -> None:
        admin, ann = await api.admin(), await api.person("ann@example.org")
        await api.role("editor", [])
        user = Scopes.user(ann.user_id)
        password = {"old": PASSWORD, "new": "another battery staple"}
        changes: list[tuple[Scope, Change]] = [
            (user, lambda: admin.patch(ann.path, {"role": "editor"})),
            (
                Scopes.ROLES,
                lambda: admin.patch("/roles/editor/", {"rights": ["job.read"]}),
            ),
            (user, lambda: ann.post("/auth/password/", password)),
            (user, lambda: ann.post("/auth/signout/all/")),
            (user, lambda: admin.patch(ann.path, {"is_active": False})),
            (user, lambda: admin.delete(ann.path)),
        ]
        for number, (scope, change) in enumerate(changes):
            assert await self.is_remade(api, scope, change), number

    @pytest.mark.parametrize("is_list", [True, False])
    async def test_media_that_have_another_owner(
        self,
        api: AccountApi,
        database_threads: DatabaseThreads,
        freshness: Freshness,
        is_list: bool,
    ) -> None:
        world = LedgerWorld(database_threads, freshness, RetryPolicy())
        admin = await api.admin()
        session = await sync_to_async(world.session)()
        media_id = await world.taken_in(session)
        path = f"/users/{session.user_id}/?transfer_to={admin.user_id}"
        scope = Scopes.MEDIA_LISTS if is_list else Scopes.media(media_id)
        assert await self.is_remade(api, scope, lambda: admin.delete(path))
