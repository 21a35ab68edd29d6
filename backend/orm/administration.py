"""Transactions that change who may do what."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from backend.domain.errors import LastAdmin
from backend.domain.media import Caller
from backend.domain.rights import Right
from backend.orm.callers import LockedCaller
from backend.orm.models import User
from backend.orm.transactions import Transactions

# No other number or text of ours identifies the same lock.
_ADMINISTRATION_LOCK = 4_729_180_316


class Administration(Transactions):
    """They run one after another, and each leaves at least one user manager.

    So the facts a transaction decides by stay true until its commit: the rights of the
    caller and of every role, who has which role, and who is left.
    """

    @classmethod
    @contextmanager
    def by(cls, caller: Caller, right: Right) -> Iterator[LockedCaller]:
        """The transaction. Raises `InvalidToken`, `RightMissing`, `LastAdmin`."""
        with transaction.atomic():
            cls._take_turn()
            locked = LockedCaller.lock(caller.user_id, caller.session_id)
            locked.check(right)
            managed = cls._is_managed()
            yield locked
            # If there was no user manager before, none is taken away.
            if managed and not cls._is_managed():
                raise LastAdmin

    @staticmethod
    def _take_turn() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADMINISTRATION_LOCK])

    @staticmethod
    def _is_managed() -> bool:
        holders = User.objects.filter(role__rights__contains=[Right.USER_MANAGE])
        return holders.filter(is_active=True).exists()
