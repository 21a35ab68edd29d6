"""The caller of a transaction, locked until its commit."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from backend.domain.errors import InvalidToken, RightMissing, RightNotHeld
from backend.domain.operations import Operator
from backend.domain.rights import Right

# The user is locked first, as in every transaction that takes both locks.
_LOCK_USER = """
    SELECT account.is_active, role.rights
      FROM "user" account
      JOIN role ON role.name = account.role_id
     WHERE account.uuid = %s
       FOR SHARE
"""
_LOCK_SESSION = """
    SELECT revoked_at IS NULL AND expires_at > now()
      FROM session
     WHERE uuid = %s AND user_id = %s
       FOR SHARE
"""


@dataclass(frozen=True, slots=True)
class LockedCaller:
    """A caller whose account, role and session stay as they are until the commit."""

    user_id: UUID
    rights: Collection[str]

    @classmethod
    def lock(cls, user_id: UUID, session_id: UUID) -> Self:
        """Raises `InvalidToken` for a caller who is no longer signed in."""
        with connection.cursor() as cursor:
            # A user whose role changes while this waits for the row is not found with
            # the old role, but on the second try.
            user = cls._user(cursor, user_id) or cls._user(cursor, user_id)
            cursor.execute(_LOCK_SESSION, [session_id, user_id])
            session: tuple[Any, ...] | None = cursor.fetchone()
        if not user or not user[0] or not session or not session[0]:
            raise InvalidToken
        return cls(user_id, user[1])

    @classmethod
    def check_operator(cls, operator: Operator, *rights: Right) -> None:
        """Raises `InvalidToken`, `RightMissing`; a person at the machine has every
        right."""
        if operator.caller is not None:
            locked = cls.lock(operator.caller.user_id, operator.caller.session_id)
            for right in rights:
                locked.check(right)

    @staticmethod
    def _user(cursor: CursorWrapper, user_id: UUID) -> tuple[Any, ...] | None:
        cursor.execute(_LOCK_USER, [user_id])
        user: tuple[Any, ...] | None = cursor.fetchone()
        return user

    def check(self, right: Right) -> None:
        """Raises `RightMissing`."""
        if right not in self.rights:
            raise RightMissing(f"This needs the right {right}.")

    def check_holds(self, rights: Iterable[str]) -> None:
        """Raises `RightNotHeld`."""
        lacking = sorted(set(rights).difference(self.rights))
        if lacking:
            raise RightNotHeld(f"You do not hold {', '.join(lacking)}.")

    def check_for(self, owner_id: UUID | None, own: Right, anybodys: Right) -> None:
        """The right to the property of the owner. Raises `RightMissing`."""
        if anybodys not in self.rights:
            self.check(own if owner_id == self.user_id else anybodys)
