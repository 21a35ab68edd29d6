"""Role permissions: what each role may do, and that a change acts on the next request."""

from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async

from backend.domain.accounts import AccessClaims
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.rights import Right
from backend.orm.database_threads import DatabaseThreads
from backend.use_cases.ports import Freshness
from tests.accounts import Accounts
from tests.database import TestDatabase
from tests.ledger_world import LedgerWorld
from tests.media_http import Service
from tests.rights_table import READING, RIGHTS


class TestRolePermissions:
    @pytest.mark.parametrize("role", RIGHTS)
    async def test_a_role_has_exactly_its_rights(
        self, accounts: Accounts, role: str
    ) -> None:
        caller = await accounts.known_caller(await accounts.signed_in(role=role))
        assert caller.role == role
        assert {right.value for right in caller.rights} == RIGHTS[role]
        assert {right.value for right in Right if caller.has(right)} == RIGHTS[role]

    def test_the_table_names_every_right(self) -> None:
        assert RIGHTS["admin"] == {right.value for right in Right}

    async def test_a_new_role_acts_on_the_next_request(
        self, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in(role="admin")
        caller = await accounts.known_caller(tokens)
        await accounts.change(caller.user_id, role_id="viewer")
        demoted = await accounts.known_caller(tokens)
        assert {right.value for right in demoted.rights} == READING

    async def test_other_rights_of_the_role_act_on_the_next_request(
        self, accounts: Accounts, clean_database: TestDatabase
    ) -> None:
        await clean_database.write_role("watcher", ["media.read"])
        tokens = await accounts.signed_in(role="watcher")
        assert (await accounts.known_caller(tokens)).rights == {Right.MEDIA_READ}
        await clean_database.write_role("watcher", ["job.read"])
        assert (await accounts.known_caller(tokens)).rights == {Right.JOB_READ}

    async def test_deactivation_acts_on_the_next_request(
        self, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        caller = await accounts.known_caller(tokens)
        await accounts.change(caller.user_id, is_active=False)
        assert await accounts.caller(tokens) is None
        await accounts.change(caller.user_id, is_active=True)
        assert await accounts.caller(tokens) == caller

    async def test_sign_out_acts_on_the_next_request(self, accounts: Accounts) -> None:
        tokens = await accounts.signed_in()
        caller = await accounts.known_caller(tokens)
        await accounts.sign_out.execute(caller, tokens.refresh)
        assert await accounts.caller(tokens) is None

    async def test_a_deleted_account_is_nobody(
        self, accounts: Accounts, clean_database: TestDatabase
    ) -> None:
        tokens = await accounts.signed_in()
        await clean_database.delete_users()
        assert await accounts.caller(tokens) is None

    async def test_user_and_session_must_belong_together(
        self, accounts: Accounts
    ) -> None:
        ann = await accounts.known_caller(await accounts.signed_in())
        bob = await accounts.known_caller(await accounts.signed_in("bob@example.org"))
        for mixed in (
            AccessClaims(ann.user_id, bob.session_id),
            AccessClaims(uuid4(), ann.session_id),
            AccessClaims(ann.user_id, uuid4()),
        ):
            assert await accounts.callers.caller(mixed) is None

    async def test_a_right_that_this_version_does_not_know_is_ignored(
        self, accounts: Accounts, clean_database: TestDatabase
    ) -> None:
        await clean_database.write_role("watcher", ["media.read"])
        tokens = await accounts.signed_in(role="watcher")
        async with clean_database.without_check("role", "role_rights_known"):
            await clean_database.write_role("watcher", ["media.read", "moon.reach"])
            caller = await accounts.known_caller(tokens)
            await clean_database.write_role("watcher", [])
        assert caller.rights == {Right.MEDIA_READ}


class TestMediaOfOneselfAndOfOthers:
    """Over HTTP: what `…_own` and `…_any` mean for the operations that ask for them."""

    OWNERS = ("self", "other")
    ALLOWED = (
        ("media_operator", "self"),
        ("admin", "self"),
        ("admin", "other"),
    )

    @pytest.fixture
    def world(
        self, database_threads: DatabaseThreads, freshness: Freshness
    ) -> LedgerWorld:
        return LedgerWorld(database_threads, freshness, RetryPolicy(most_failures=1))

    async def failed(self, world: LedgerWorld, email: str) -> UUID:
        session = await sync_to_async(world.session)(email)
        media_id = await world.taken_in(session)
        claim = await world.claimed(media_id, JobKind.UPLOAD_TO_CDN)
        surprise = JobFailed(FailureCode.INTERNAL_ERROR, "a surprise")
        await world.ledger.fail(claim, surprise)
        return media_id

    @pytest.mark.parametrize("owner", OWNERS)
    @pytest.mark.parametrize("role", RIGHTS)
    async def test_whose_media_may_be_changed(
        self,
        service: Service,
        accounts: Accounts,
        world: LedgerWorld,
        role: str,
        owner: str,
    ) -> None:
        # Whoever may not take a video in now could once.
        await accounts.make("self@example.org", "media_operator")
        media_id = await self.failed(world, f"{owner}@example.org")
        caller = await service.signed_in("self@example.org", role)

        retried = await caller.retry(media_id, {"kind": "upload_to_cdn"})
        deleted = await caller.delete(media_id)

        statuses = retried.status_code, deleted.status_code
        allowed = (role, owner) in self.ALLOWED
        assert statuses == ((202, 204) if allowed else (403, 403))
        if not allowed:
            assert deleted.json()["code"] == "right_missing"
            assert (await caller.get(media_id)).status_code == 200
