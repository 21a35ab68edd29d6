"""Users, sessions and what proves who somebody is."""

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from backend.domain.accounts import (
    AccessClaims,
    Credentials,
    LiveSession,
    NewUser,
    Profile,
    RefreshToken,
    UserChange,
)
from backend.domain.media import Caller
from backend.domain.rights import Right


class Callers(Protocol):
    """Whom access tokens speak for."""

    async def caller(self, claims: AccessClaims, reads: str = "") -> Caller | None:
        """The caller with role and rights as they are now, or None if signed out.

        `reads` is what the request reads, if it only reads, as the client wrote it.
        Raises `DatabaseAway`.
        """


class LiveSessions(Protocol):
    """Sessions as PostgreSQL has them. Raises `DatabaseAway`."""

    async def live_session(self, claims: AccessClaims) -> LiveSession | None:
        """The caller as he is now, and how long his session may last.

        None if it has ended, or the account is not active.
        """


class AccountLedger(Protocol):
    """Users and sessions in PostgreSQL. Every method raises `DatabaseAway`.

    What changes an account or a session that was there is made known before it returns.
    """

    async def create_user(self, email: str, password_hash: str, role: str) -> Profile:
        """Raises `EmailTaken`."""

    async def ensure_user(self, email: str, password_hash: str, role: str) -> Profile:
        """Make the account, or give the one that is there this hash and role.

        It is active then; another hash than before ends all its sessions.
        """

    async def profile(self, user_id: UUID) -> Profile | None: ...

    async def credentials(self, email: str) -> Credentials | None: ...

    async def open_session(self, credentials: Credentials, token: RefreshToken) -> None:
        """Raises `BadCredentials` if the account changed since they were read."""

    async def rotate(self, presented: RefreshToken, successor: RefreshToken) -> UUID:
        """Swap the refresh token of a live session; returns the user.

        Raises `InvalidRefreshToken`; a token that was used before also revokes the session.
        """

    async def revoke(self, user_id: UUID, session_ids: Collection[UUID]) -> None:
        """End the user's sessions, access tokens included; harmless when ended before.

        Raises `InvalidRefreshToken`, and ends none, if one is not the user's.
        """


class SessionLedger(Protocol):
    """What somebody does about all sessions of his own.

    Every method raises `DatabaseAway`, and `InvalidToken` if the caller's has ended.
    What changes is made known before it returns.
    """

    async def end_all(self, caller: Caller) -> None:
        """End every session of the caller, access tokens included."""

    async def change_password(self, caller: Caller, old_hash: str, new: str) -> None:
        """Put the hash `new` in the place of the old one; all other sessions end.

        Raises `WrongPassword` if the old one is not the account's any more.
        """


class EndedSessions(Protocol):
    """Sessions whose tokens have all expired."""

    async def purge(self, keep: timedelta, most: int) -> int:
        """Forget so many that expired so long ago; returns how many.

        Raises `DatabaseAway`.
        """


class UserLedger(Protocol):
    """Accounts as administrators change them.

    Every method raises `DatabaseAway`; `InvalidToken` and `RightMissing` for a caller
    who may not do it any more; `RightNotHeld` for a role that has a right he lacks.
    Those that name a user raise `UserNotFound`. What changes is made known before it
    returns.
    """

    async def create(self, new: NewUser, caller: Caller) -> Profile:
        """Raises `EmailTaken`, and `Invalid` for a role that is not there."""

    async def change(
        self, user_id: UUID, change: UserChange, caller: Caller
    ) -> Profile:
        """Raises `LastAdmin`, and `Invalid` for a role that is not there.

        Deactivation ends the sessions of the user.
        """

    async def delete(
        self, user_id: UUID, transfer_to: UUID | None, caller: Caller
    ) -> None:
        """Forget the user; the media go to the receiver, if there is one.

        Raises `UserOwnsMedia` where nobody receives them, `DuplicateMedia` if the
        receiver has live media of the same bytes, `LastAdmin`, and `Invalid` for a
        receiver that is not there.
        """


class RoleLedger(Protocol):
    """Roles as administrators change them.

    Every method raises `DatabaseAway`; `InvalidToken` and `RightMissing` for a caller
    who may not do it any more; `RightNotHeld` for a right he lacks, given or taken
    away. Those that name a role raise `RoleNotFound` and `RoleBuiltIn`. What changes is
    made known before it returns.
    """

    async def create(
        self, name: str, rights: Collection[Right], caller: Caller
    ) -> None:
        """Raises `RoleNameTaken`."""

    async def change(
        self, name: str, rights: Collection[Right], caller: Caller
    ) -> None:
        """Give the role these rights in place of its own. Raises `LastAdmin`."""

    async def delete(self, name: str, caller: Caller) -> None:
        """Raises `RoleInUse`."""


class PasswordHasher(Protocol):
    """Hashes on bounded threads. Raises `Overloaded` when too many wait."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Does the same work when there is no hash to compare with."""

    def weakness(self, password: str, email: str) -> str | None:
        """Why the password is too weak, or None."""


class TokenIssuer(Protocol):
    """Signs and reads JWTs. Reading raises `InvalidToken` or `InvalidRefreshToken`."""

    def access(self, user_id: UUID, session_id: UUID) -> str: ...

    def refresh(self, session_id: UUID) -> RefreshToken: ...

    def read_access(self, text: str) -> AccessClaims: ...

    def read_refresh(self, text: str) -> RefreshToken: ...

    @property
    def access_lifetime_seconds(self) -> int: ...
