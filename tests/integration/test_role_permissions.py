"""Role permissions: what each role may do, and that a change acts on the next request."""

from uuid import uuid4

import pytest

from backend.domain.accounts import AccessClaims
from backend.domain.rights import Right
from tests.accounts import Accounts
from tests.database import TestDatabase

# The table of design.md, section 4, written out once more on purpose.
READING = {"media.read", "job.read"}
OWN = {"media.create", "media.update_own", "media.delete_own", "job.retry_own"}
ANY = {"media.update_any", "media.delete_any", "job.retry_any"}
RUNNING = {"user.manage", "role.manage", "system.inspect"}
RIGHTS = {
    "viewer": READING,
    "media_operator": READING | OWN,
    "admin": READING | OWN | ANY | RUNNING,
}


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
            assert await accounts.ledger.caller(mixed) is None

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
