from collections.abc import Collection, Iterable
from typing import ClassVar
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from psycopg.errors import UniqueViolation

from backend.domain.accounts import (
    AccessClaims,
    Credentials,
    EmailAddress,
    Profile,
    RefreshToken,
)
from backend.domain.errors import (
    BadCredentials,
    EmailTaken,
    InvalidToken,
)
from backend.domain.media import Caller
from backend.domain.rights import Right
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Session, User


class DjangoAccountLedger:
    """Users and sessions, each method one unit of work on a database thread.

    What happens to one account is put in order by the lock on its row, what happens to
    one session by the lock on that; whoever takes both takes the account first.
    """

    _RIGHTS: ClassVar = {right.value: right for right in Right}
    # Asked for every request that is not answered from the cache: written out, it
    # costs 290 µs where the ORM took 990 µs.
    _CALLER: ClassVar = """
        SELECT "user".email, "user".role_id, role.rights
        FROM session
        JOIN "user" ON "user".uuid = session.user_id
        JOIN role ON role.name = "user".role_id
        WHERE session.uuid = %s
          AND session.user_id = %s
          AND session.revoked_at IS NULL
          AND session.expires_at > statement_timestamp()
          AND "user".is_active
    """

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def create_user(self, email: str, password_hash: str, role: str) -> Profile:
        return await self._threads.run(self._create_user, email, password_hash, role)

    async def ensure_user(self, email: str, password_hash: str, role: str) -> Profile:
        return await self._threads.run(self._ensure_user, email, password_hash, role)

    async def profile(self, user_id: UUID) -> Profile | None:
        return await self._threads.run(self._profile, user_id)

    async def credentials(self, email: str) -> Credentials | None:
        return await self._threads.run(self._credentials, email)

    async def open_session(self, credentials: Credentials, token: RefreshToken) -> None:
        await self._threads.run(self._open_session, credentials, token)

    async def rotate(self, presented: RefreshToken, successor: RefreshToken) -> UUID:
        return await self._threads.run(self._rotate, presented, successor)

    async def revoke(self, user_id: UUID, session_ids: Collection[UUID]) -> None:
        await self._threads.run(self._revoke, user_id, frozenset(session_ids))

    async def caller(self, claims: AccessClaims) -> Caller | None:
        return await self._threads.run(self._caller, claims)

    @transaction.atomic
    def _create_user(self, email: str, password_hash: str, role: str) -> Profile:
        user = User(
            email=EmailAddress.folded(email), password=password_hash, role_id=role
        )
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            if isinstance(error.__cause__, UniqueViolation):
                raise EmailTaken from None
            raise
        return self._profile_of(user)

    @transaction.atomic
    def _ensure_user(self, email: str, password_hash: str, role: str) -> Profile:
        user, _ = User.objects.select_for_update().get_or_create(
            email=EmailAddress.folded(email),
            defaults={"password": password_hash, "role_id": role},
        )
        if user.password != password_hash:
            self._end(Session.objects.filter(user=user))
        user.password, user.role_id, user.is_active = password_hash, role, True
        user.save(update_fields=["password", "role", "is_active"])
        return self._profile_of(user)

    def _profile(self, user_id: UUID) -> Profile | None:
        user = User.objects.select_related("role").filter(pk=user_id).first()
        return self._shown(user) if user else None

    def _profile_of(self, user: User) -> Profile:
        return self._shown(User.objects.select_related("role").get(pk=user.pk))

    def _shown(self, user: User) -> Profile:
        return Profile(
            user_id=user.uuid,
            email=user.email,
            role=user.role_id,
            rights=self._known(user.role.rights),
            is_active=user.is_active,
            created_at=user.created_at,
        )

    def _credentials(self, email: str) -> Credentials | None:
        found = User.objects.filter(email=EmailAddress.folded(email))
        row = found.values_list("uuid", "password", "is_active").first()
        return Credentials(*row) if row else None

    @transaction.atomic
    def _open_session(self, credentials: Credentials, token: RefreshToken) -> None:
        unchanged = User.objects.select_for_update(no_key=True).filter(
            pk=credentials.user_id, password=credentials.password_hash, is_active=True
        )
        if not unchanged.values_list("pk").first():
            raise BadCredentials
        Session.objects.create(
            uuid=token.session_id,
            user_id=credentials.user_id,
            refresh_digest=token.digest,
            expires_at=token.expires_at,
        )

    def _rotate(self, presented: RefreshToken, successor: RefreshToken) -> UUID:
        """Compare and swap in one statement.

        Every condition is on the row itself and none in a join, because PostgreSQL
        looks again only at the row it waited for: of two that come at once, the second
        sees the digest of the first. Nothing here is in a transaction that the refusal
        could roll back.
        """
        live = self._live().filter(pk=presented.session_id)
        swapped = live.filter(refresh_digest=presented.digest).update(
            refresh_digest=successor.digest,
            refreshed_at=Now(),
            expires_at=successor.expires_at,
        )
        if not swapped:
            self._end(live)  # An old token: it was stolen, or its successor was.
            raise InvalidToken
        return Session.objects.values_list("user_id", flat=True).get(
            pk=presented.session_id
        )

    @transaction.atomic
    def _revoke(self, user_id: UUID, session_ids: frozenset[UUID]) -> None:
        named = Session.objects.filter(pk__in=session_ids, user_id=user_id)
        if len(named.select_for_update().order_by("pk")) < len(session_ids):
            raise InvalidToken
        self._end(named)

    def _caller(self, claims: AccessClaims) -> Caller | None:
        with connection.cursor() as cursor:
            cursor.execute(self._CALLER, [claims.session_id, claims.user_id])
            row = cursor.fetchone()
        if row is None:
            return None
        email, role, rights = row
        return Caller(
            claims.user_id, claims.session_id, email, role, self._known(rights)
        )

    @staticmethod
    def _live() -> QuerySet[Session]:
        """By the clock of the database; without a join (see `_rotate`)."""
        active = User.objects.filter(pk=OuterRef("user_id"), is_active=True)
        return Session.objects.filter(
            Exists(active), revoked_at__isnull=True, expires_at__gt=Now()
        )

    @staticmethod
    def _end(sessions: QuerySet[Session]) -> None:
        sessions.filter(revoked_at__isnull=True).update(revoked_at=Now())

    @classmethod
    def _known(cls, rights: Iterable[str]) -> frozenset[Right]:
        return frozenset(cls._RIGHTS[right] for right in rights if right in cls._RIGHTS)
