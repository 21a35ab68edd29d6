import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from django.utils import timezone

from backend.domain.accounts import Credentials, Profile
from backend.domain.errors import (
    BadCredentials,
    DatabaseAway,
    EmailTaken,
    InvalidToken,
)
from backend.domain.rights import ADMIN, VIEWER
from backend.orm.account_ledger import DjangoAccountLedger
from backend.orm.database_threads import DatabaseThreads
from backend.use_cases.ports import Freshness
from tests.accounts import PASSWORD, Accounts
from tests.database import TestDatabase
from tests.servers import TestServers

EMAIL = "ann@example.org"


class TestCreateUser:
    async def test_it_shows_what_was_made(self, accounts: Accounts) -> None:
        made = await accounts.ledger.create_user(EMAIL, "hash", "viewer")
        assert made == Profile(
            made.user_id, EMAIL, "viewer", VIEWER.rights, True, made.created_at
        )
        assert abs(timezone.now() - made.created_at) < timedelta(minutes=1)
        assert await accounts.ledger.profile(made.user_id) == made

    async def test_an_address_is_taken_in_every_spelling(
        self, accounts: Accounts
    ) -> None:
        made = await accounts.ledger.create_user(" Ann@BÜCHER.example", "h", "viewer")
        assert made.email == "ann@xn--bcher-kva.example"
        for spelling in ("ANN@bücher.EXAMPLE", "ann@XN--bcher-kva.example "):
            with pytest.raises(EmailTaken):
                await accounts.ledger.create_user(spelling, "h", "viewer")
            assert await accounts.ledger.credentials(spelling)

    async def test_of_many_at_once_one_gets_the_address(
        self, accounts: Accounts
    ) -> None:
        ended = await asyncio.gather(
            *(accounts.ledger.create_user(EMAIL, "h", "viewer") for _ in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(end, Profile) for end in ended) == 1
        assert sum(isinstance(end, EmailTaken) for end in ended) == 9

    async def test_a_taken_address_leaves_no_hash_in_the_log(
        self, accounts: Accounts, servers: TestServers
    ) -> None:
        await accounts.ledger.create_user(EMAIL, "h", "viewer")
        with pytest.raises(EmailTaken):
            await accounts.ledger.create_user(EMAIL, "argon2$never-to-be-read", "admin")
        assert "never-to-be-read" not in servers.log("postgres")

    async def test_a_role_that_is_not_there_is_no_taken_address(
        self, accounts: Accounts
    ) -> None:
        with pytest.raises((IntegrityError, ObjectDoesNotExist)):
            await accounts.ledger.create_user(EMAIL, "h", "nobody")
        assert await accounts.ledger.credentials(EMAIL) is None


class TestEnsureUser:
    async def test_it_makes_then_changes_and_activates(
        self, accounts: Accounts
    ) -> None:
        made = await accounts.ledger.ensure_user(EMAIL, "one", "viewer")
        await accounts.change(made.user_id, is_active=False)
        changed = await accounts.ledger.ensure_user(EMAIL.upper(), "two", "admin")
        assert changed.user_id == made.user_id
        assert (changed.role, changed.rights) == ("admin", ADMIN.rights)
        assert changed.is_active
        assert await accounts.ledger.credentials(EMAIL) == Credentials(
            made.user_id, "two", True
        )

    async def test_another_password_ends_the_sessions_the_same_does_not(
        self, accounts: Accounts
    ) -> None:
        tokens = await accounts.signed_in()
        await accounts.ensure.execute(EMAIL, PASSWORD, "media_operator")
        assert (await accounts.known_caller(tokens)).role == "media_operator"
        await accounts.ensure.execute(EMAIL, PASSWORD + "!", "media_operator")
        assert await accounts.caller(tokens) is None

    async def test_many_at_once_make_one(self, accounts: Accounts) -> None:
        made = await asyncio.gather(
            *(accounts.ledger.ensure_user(EMAIL, f"h{i}", "viewer") for i in range(10))
        )
        assert len({profile.user_id for profile in made}) == 1


class TestReads:
    async def test_who_is_not_there(self, accounts: Accounts) -> None:
        assert await accounts.ledger.profile(uuid4()) is None
        assert await accounts.ledger.credentials("nobody@example.org") is None


class TestOpenSession:
    @pytest.mark.parametrize(
        "change", [{"password": "another"}, {"is_active": False}], ids=str
    )
    async def test_an_account_that_changed_meanwhile_is_not_signed_in(
        self, accounts: Accounts, change: dict[str, object]
    ) -> None:
        made = await accounts.ledger.create_user(EMAIL, "hash", "viewer")
        read = await accounts.ledger.credentials(EMAIL)
        assert read is not None
        await accounts.change(made.user_id, **change)
        with pytest.raises(BadCredentials):
            await accounts.ledger.open_session(read, accounts.tokens.refresh(uuid4()))
        assert await accounts.live_sessions() == 0


class TestRevoke:
    async def test_it_ends_all_named_sessions_or_none(self, accounts: Accounts) -> None:
        ann = await accounts.known_caller(await accounts.signed_in())
        bob = await accounts.known_caller(await accounts.signed_in("bob@example.org"))
        for foreign in (bob.session_id, uuid4()):
            with pytest.raises(InvalidToken):
                await accounts.ledger.revoke(ann.user_id, {ann.session_id, foreign})
        assert await accounts.live_sessions() == 2
        for _ in range(2):
            await accounts.ledger.revoke(ann.user_id, {ann.session_id})
        assert await accounts.live_sessions() == 1


class TestDatabaseAway:
    async def test_a_connection_lost_in_the_middle_is_named_so(
        self, accounts: Accounts, clean_database: TestDatabase, freshness: Freshness
    ) -> None:
        threads = DatabaseThreads(1)
        ledger = DjangoAccountLedger(threads, freshness)
        made = await ledger.create_user(EMAIL, "hash", "viewer")
        async with clean_database.cutting_whoever_waits_for("user"):
            with pytest.raises(DatabaseAway):
                await ledger.profile(made.user_id)
        threads.close()
