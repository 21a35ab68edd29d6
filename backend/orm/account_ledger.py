from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from backend.domain.accounts import (
    Credentials,
    EmailAddress,
    Profile,
    RefreshToken,
)
from backend.domain.errors import BadCredentials, EmailTaken, InvalidRefreshToken
from backend.domain.freshness import Scopes
from backend.orm.database_threads import DatabaseThreads
from backend.orm.known_changes import KnownChanges
from backend.orm.models import Session, User
from backend.orm.profiles import Profiles
from backend.orm.transactions import Transactions
from backend.use_cases.ports import Freshness


class _UsedBefore(Exception):
    """A refresh token that is not the latest of its session, which has ended for it."""

    def __init__(self, user_id: UUID) -> None:
        self.user_id = user_id


class DjangoAccountLedger:
    """Users and sessions, each method one unit of work on a database thread.

    The lock on its row serialises changes of an account, likewise for a session; a
    transaction that takes both locks takes the account first.
    """

    def __init__(self, threads: DatabaseThreads, freshness: Freshness) -> None:
        self._threads = threads
        self._transactions = Transactions(threads)
        self._freshness = freshness
        self._changes = KnownChanges(freshness)

    async def create_user(self, email: str, password_hash: str, role: str) -> Profile:
        return await self._threads.run(self._create_user, email, password_hash, role)

    async def ensure_user(self, email: str, password_hash: str, role: str) -> Profile:
        return await self._changes.changing(
            self._threads.run(self._ensure_user, email, password_hash, role),
            also=lambda profile: [Scopes.user(profile.user_id)],
        )

    async def profile(self, user_id: UUID) -> Profile | None:
        return await self._threads.run(self._profile, user_id)

    async def credentials(self, email: str) -> Credentials | None:
        return await self._threads.run(self._credentials, email)

    async def open_session(self, credentials: Credentials, token: RefreshToken) -> None:
        await self._threads.run(self._open_session, credentials, token)

    async def rotate(self, presented: RefreshToken, successor: RefreshToken) -> UUID:
        try:
            return await self._threads.run(self._rotate, presented, successor)
        except _UsedBefore as used:
            await self._freshness.changed(Scopes.user(used.user_id))
            raise InvalidRefreshToken from None

    async def revoke(self, user_id: UUID, session_ids: Collection[UUID]) -> None:
        await self._changes.changing(
            self._transactions.run(self._revoke, user_id, frozenset(session_ids)),
            Scopes.user(user_id),
        )

    @transaction.atomic
    def _create_user(self, email: str, password_hash: str, role: str) -> Profile:
        user = User(
            email=EmailAddress.folded(email), password=password_hash, role_id=role
        )
        # Avoids an error of PostgreSQL, which would write the hash into its log.
        User.objects.bulk_create([user], ignore_conflicts=True)
        if not User.objects.filter(pk=user.pk).exists():
            raise EmailTaken
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
        return Profiles.of(user) if user else None

    @staticmethod
    def _profile_of(user: User) -> Profile:
        return Profiles.of(User.objects.select_related("role").get(pk=user.pk))

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
        could roll back. Raises `_UsedBefore`, `InvalidRefreshToken`.
        """
        live = self._live().filter(pk=presented.session_id)
        swapped = live.filter(refresh_digest=presented.digest).update(
            refresh_digest=successor.digest,
            refreshed_at=Now(),
            expires_at=successor.expires_at,
        )
        if not swapped:
            self._end(live)  # An old token: either it or its successor was stolen.
        sessions = Session.objects.filter(pk=presented.session_id)
        user_id = sessions.values_list("user_id", flat=True).first()
        if user_id is None:
            raise InvalidRefreshToken
        if not swapped:
            raise _UsedBefore(user_id)
        return user_id

    @transaction.atomic
    def _revoke(self, user_id: UUID, session_ids: frozenset[UUID]) -> None:
        named = Session.objects.filter(pk__in=session_ids, user_id=user_id)
        if len(named.select_for_update().order_by("pk")) < len(session_ids):
            raise InvalidRefreshToken
        self._end(named)

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
