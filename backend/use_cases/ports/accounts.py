"""Users, sessions and proofs of identity."""

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
    """The callers behind access tokens."""

    async def caller(self, claims: AccessClaims, reads: str = "") -> Caller | None:
        """The caller with present role and rights, or None if signed out.

        `reads` is the request as the client wrote it, if it only reads. Raises
        `DatabaseAway`.
        """


class LiveSessions(Protocol):
    """Sessions as PostgreSQL has them. Raises `DatabaseAway`."""

    async def live_session(self, claims: AccessClaims) -> LiveSession | None:
        """The caller as of now, and the remaining lifetime of the session.

        None if it has ended, or the account is not active.
        """


class AccountLedger(Protocol):
    """Users and sessions in PostgreSQL. Every method raises `DatabaseAway`.

    Changes of existing accounts and sessions are made known before a method returns.
    """

    async def create_user(self, email: str, password_hash: str, role: str) -> Profile:
        """Raises `EmailTaken`."""

    async def ensure_user(self, email: str, password_hash: str, role: str) -> Profile:
        """Create the account, or give the existing one this hash and role.

        It is then active; a new hash ends all its sessions.
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
    """What users can do about all of their own sessions.

    Every method raises `DatabaseAway`, and `InvalidToken` if the caller's has ended.
    Changes are made known before a method returns.
    """

    async def end_all(self, caller: Caller) -> None:
        """End every session of the caller, access tokens included."""

    async def change_password(self, caller: Caller, old_hash: str, new: str) -> None:
        """Replace the old hash by `new`; all other sessions end.

        Raises `WrongPassword` if the account no longer has the old one.
        """


class EndedSessions(Protocol):
    """Sessions whose tokens have all expired."""

    async def purge(self, keep: timedelta, most: int) -> int:
        """Forget up to this many that expired this long ago; returns how many.

        Raises `DatabaseAway`.
        """


class UserLedger(Protocol):
    """Accounts as administrators change them.

    Every method raises `DatabaseAway`; `InvalidToken` and `RightMissing` for a caller
    who may no longer do it; `RightNotHeld` for a role with a right that the caller
    lacks. Methods that name a user raise `UserNotFound`. Changes are made known before
    a method returns.
    """

    async def create(self, new: NewUser, caller: Caller) -> Profile:
        """Raises `EmailTaken`, and `Invalid` for an unknown role."""

    async def change(
        self, user_id: UUID, change: UserChange, caller: Caller
    ) -> Profile:
        """Raises `LastAdmin`, and `Invalid` for an unknown role.

        Deactivation ends the sessions of the user.
        """

    async def delete(
        self, user_id: UUID, transfer_to: UUID | None, caller: Caller
    ) -> None:
        """Forget the user; the media go to the receiver, if there is one.

        Raises `UserOwnsMedia` without a receiver, `DuplicateMedia` if the receiver has
        live media of the same bytes, `LastAdmin`, and `Invalid` for an unknown
        receiver.
        """


class RoleLedger(Protocol):
    """Roles as administrators change them.

    Every method raises `DatabaseAway`; `InvalidToken` and `RightMissing` for a caller
    who may no longer do it; `RightNotHeld` for granting or removing a right that the
    caller lacks. Methods that name a role raise `RoleNotFound` and `RoleBuiltIn`.
    Changes are made known before a method returns.
    """

    async def create(
        self, name: str, rights: Collection[Right], caller: Caller
    ) -> None:
        """Raises `RoleNameTaken`."""

    async def change(
        self, name: str, rights: Collection[Right], caller: Caller
    ) -> None:
        """Replace the rights of the role by these. Raises `LastAdmin`."""

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
