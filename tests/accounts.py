"""Accounts for tests: the real ledger, hasher and issuer behind their use cases."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from backend.adapters.local_attempt_limiter import LocalAttemptLimiter
from backend.adapters.password_hasher import ThreadedPasswordHasher
from backend.domain.accounts import Profile, Tokens
from backend.domain.media import Caller
from backend.orm.account_ledger import DjangoAccountLedger
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.live_sessions import PostgresLiveSessions
from backend.orm.models import Session, User
from backend.use_cases.check_password import CheckPassword
from backend.use_cases.ensure_account import EnsureAccount
from backend.use_cases.ports import Freshness
from backend.use_cases.refresh_session import RefreshSession
from backend.use_cases.sign_in import SignIn
from backend.use_cases.sign_in_limit import SignInLimit
from backend.use_cases.sign_out import SignOut
from backend.use_cases.sign_up import SignUp
from tests.fakes.callers import UncachedCallers

PASSWORD = "correct horse battery"
HERE = "127.0.0.1"


class NoFamiliarClients:
    """Knows nobody."""

    async def knows(self, key: str) -> bool:
        return False

    async def remember(self, key: str) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everything about accounts, as `Container` wires it."""

    ledger: DjangoAccountLedger
    passwords: ThreadedPasswordHasher
    tokens: JwtTokenIssuer
    limit: SignInLimit
    callers: UncachedCallers

    @property
    def sign_up(self) -> SignUp:
        return SignUp(self.ledger, self.passwords, self.limit, is_open=True)

    @property
    def sign_in(self) -> SignIn:
        check = CheckPassword(self.ledger, self.passwords, self.limit)
        return SignIn(check, self.ledger, self.tokens)

    @property
    def refresh(self) -> RefreshSession:
        return RefreshSession(self.ledger, self.tokens)

    @property
    def sign_out(self) -> SignOut:
        return SignOut(self.ledger, self.tokens)

    @property
    def ensure(self) -> EnsureAccount:
        return EnsureAccount(self.ledger, self.passwords)

    async def make(
        self, email: str = "ann@example.org", role: str = "viewer"
    ) -> Profile:
        return await self.ensure.execute(email, PASSWORD, role)

    async def signed_in(
        self, email: str = "ann@example.org", role: str = "viewer"
    ) -> Tokens:
        await self.make(email, role)
        return await self.sign_in.execute(email, PASSWORD, HERE)

    async def caller(self, tokens: Tokens) -> Caller | None:
        return await self.callers.caller(self.tokens.read_access(tokens.access))

    async def known_caller(self, tokens: Tokens) -> Caller:
        caller = await self.caller(tokens)
        assert caller is not None
        return caller

    @sync_to_async
    def change(self, user_id: UUID, **fields: object) -> None:
        User.objects.filter(pk=user_id).update(**fields)

    @sync_to_async
    def change_sessions(self, **fields: object) -> None:
        Session.objects.update(**fields)

    @sync_to_async
    def live_sessions(self) -> int:
        return Session.objects.filter(revoked_at=None).count()

    @sync_to_async
    def everything_stored(self) -> str:
        """All rows of all tables as text."""
        rows: list[str] = []
        tables = connection.introspection.table_names()
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f'SELECT row::text FROM "{table}" row')  # noqa: S608
                rows.extend(str(row) for row in cursor.fetchall())
        return "\n".join(rows)


@pytest.fixture
def accounts(
    clean_database: object,
    database_threads: DatabaseThreads,
    password_hasher: ThreadedPasswordHasher,
    freshness: Freshness,
    database_lines: DatabaseLines,
) -> Accounts:
    return Accounts(
        DjangoAccountLedger(database_threads, freshness),
        password_hasher,
        JwtTokenIssuer(),
        SignInLimit(LocalAttemptLimiter(), NoFamiliarClients(), "a secret"),
        UncachedCallers(PostgresLiveSessions(database_lines)),
    )
