"""Values of accounts and sessions."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from backend.domain.media import Caller
from backend.domain.rights import Right

EMAIL_MOST_CHARACTERS = 254
# NIST SP 800-63B asks for 8 at least; length and lists of known passwords do more than
# rules about kinds of characters. The most bounds the work of hashing.
PASSWORD_LEAST_CHARACTERS = 8
PASSWORD_MOST_CHARACTERS = 1_024


class EmailAddress:
    """Brings the spellings of one address together."""

    @staticmethod
    def folded(text: str) -> str:
        """Stripped, case-folded, the domain in ASCII ("xn--…").

        Raises `ValueError` for a domain that cannot exist, and for what is too long,
        before work is done whose time grows with the square of the length.
        """
        if len(text) > EMAIL_MOST_CHARACTERS:
            raise ValueError("The address is too long.")
        mailbox, at, domain = text.strip().casefold().rpartition("@")
        folded = mailbox + at + domain.encode("idna").decode("ascii")
        if len(folded) > EMAIL_MOST_CHARACTERS:
            raise ValueError("The address is too long once it is folded.")
        return folded


@dataclass(frozen=True, slots=True)
class Profile:
    """The public fields of an account, with its present rights."""

    user_id: UUID
    email: str
    role: str
    rights: frozenset[Right]
    is_active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What sign-in needs to know about an account; `password_hash` is an encoded
    hash."""

    user_id: UUID
    password_hash: str = field(repr=False)
    is_active: bool


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account created by an administrator; `password_hash` is an encoded hash."""

    email: str
    password_hash: str = field(repr=False)
    role: str


@dataclass(frozen=True, slots=True)
class UserChange:
    """An administrator's change of an account; None leaves a field as it is."""

    role: str | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of a verified access token; only these two are trusted."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that was live when it was read."""

    caller: Caller
    # Until it expires, unless it is ended before.
    seconds_left: float


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token: the text goes to the client, only `digest` is stored."""

    text: str = field(repr=False)
    digest: str
    session_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets when it signs in; `expires_in_seconds` is the access token's."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in_seconds: int
