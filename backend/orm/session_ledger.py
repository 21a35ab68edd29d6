"""All sessions of an account, and those that are no longer needed."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from backend.domain.errors import InvalidToken, WrongPassword
from backend.domain.freshness import Scopes
from backend.domain.media import Caller
from backend.orm.database_threads import DatabaseThreads
from backend.orm.intervals import FromNow
from backend.orm.known_changes import KnownChanges
from backend.orm.models import Session, User
from backend.orm.transactions import Transactions
from backend.use_cases.ports import Freshness


class DjangoSessionLedger:
    """The `SessionLedger` port. Ended sessions are made known after the commit."""

    def __init__(self, threads: DatabaseThreads, freshness: Freshness) -> None:
        self._transactions = Transactions(threads)
        self._changes = KnownChanges(freshness)

    async def end_all(self, caller: Caller) -> None:
        ending = self._transactions.run(self._end_all, caller)
        await self._changes.changing(ending, Scopes.user(caller.user_id))

    async def change_password(self, caller: Caller, old_hash: str, new: str) -> None:
        changing = self._transactions.run(self._change_password, caller, old_hash, new)
        await self._changes.changing(changing, Scopes.user(caller.user_id))

    @transaction.atomic
    def _end_all(self, caller: Caller) -> None:
        self._locked(caller)
        self._end(self._live(caller))

    @transaction.atomic
    def _change_password(self, caller: Caller, old_hash: str, new: str) -> None:
        user = self._locked(caller)
        live = self._live(caller)
        if user.password != old_hash:
            raise WrongPassword(problems={"old": "It has just been changed."})
        user.password = new
        user.save(update_fields=["password"])
        self._end(live - {caller.session_id})

    @staticmethod
    def _locked(caller: Caller) -> User:
        """Sign-ins to the account wait until the commit. Raises `InvalidToken`."""
        active = User.objects.select_for_update(no_key=True).filter(is_active=True)
        user = active.filter(pk=caller.user_id).first()
        if user is None:
            raise InvalidToken
        return user

    @staticmethod
    def _live(caller: Caller) -> set[UUID]:
        """The sessions, locked; the caller's is one of them, or `InvalidToken`."""
        live = Session.objects.select_for_update(no_key=True).filter(
            user=caller.user_id, revoked_at=None, expires_at__gt=Now()
        )
        found = set(live.order_by("pk").values_list("pk", flat=True))
        if caller.session_id not in found:
            raise InvalidToken
        return found

    @staticmethod
    def _end(session_ids: set[UUID]) -> None:
        Session.objects.filter(pk__in=session_ids).update(revoked_at=Now())


class DjangoEndedSessions:
    """The `EndedSessions` port."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def purge(self, keep: timedelta, most: int) -> int:
        return await self._threads.run(self._purge, keep, most)

    @transaction.atomic
    def _purge(self, keep: timedelta, most: int) -> int:
        expired = Session.objects.filter(expires_at__lt=FromNow(-keep))
        locked = expired.select_for_update(skip_locked=True)
        chosen = list(locked.values_list("pk", flat=True)[:most])
        Session.objects.filter(pk__in=chosen).delete()
        return len(chosen)
