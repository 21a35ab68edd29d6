"""JSON Web Tokens, using only the token classes of django-ninja-jwt.

Its schemas, controllers and blacklist are not used: they hash passwords on the event
loop and keep tokens in clear. Importing the token classes costs 45 ms and adds no
model.
"""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar
from uuid import UUID

from ninja_jwt.exceptions import TokenError
from ninja_jwt.tokens import AccessToken as AccessJwt
from ninja_jwt.tokens import RefreshToken as RefreshJwt

from backend.domain.accounts import AccessClaims, RefreshToken
from backend.domain.errors import InvalidRefreshToken, InvalidToken

# Of access tokens; each has about 1 kB here.
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Verified:
    """The claims of a token with a valid signature; `expires_at` in Unix time."""

    claims: AccessClaims
    expires_at: int


class JwtTokenIssuer:
    """Signs with HS256 and reads back only what it signed itself.

    Tokens contain no role or right, and an access token is never made from a refresh
    token, so each has its own claims. Lifetimes, key, audience and issuer are those of
    `settings.NINJA_JWT`.
    """

    _MOST_CHARACTERS: ClassVar = 1_024
    # PyJWT insists on one spelling of each segment, but for "=" at its end; a token must
    # have one spelling only, or its digest would mean nothing.
    _COMPACT: ClassVar = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")
    # Besides TokenError: a claim that is missing, of another type or out of range.
    _ODD: ClassVar = (
        TokenError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        ArithmeticError,
        OSError,
    )

    def __init__(self, most_remembered: int = MOST_REMEMBERED) -> None:
        self._most_remembered = most_remembered
        self._verified: dict[str, _Verified] = {}

    def access(self, user_id: UUID, session_id: UUID) -> str:
        token = AccessJwt()
        token["sub"] = str(user_id)
        token["sid"] = str(session_id)
        return str(token)

    def refresh(self, session_id: UUID) -> RefreshToken:
        token = RefreshJwt()
        token["sid"] = str(session_id)
        return self._described(token, str(token))

    def read_access(self, text: str) -> AccessClaims:
        """A signature is checked once; whether the token has expired, each time."""
        known = self._verified.get(text)
        if known is not None and time.time() < known.expires_at:
            return known.claims
        if not self._is_formed(text):
            raise InvalidToken
        try:
            token = AccessJwt(text)
            claims = AccessClaims(UUID(token["sub"]), UUID(token["sid"]))
            self._remember(text, _Verified(claims, int(token["exp"])))
        except self._ODD:
            raise InvalidToken from None
        return claims

    def _remember(self, text: str, verified: _Verified) -> None:
        """Evicts the oldest entry."""
        if len(self._verified) >= self._most_remembered:
            del self._verified[next(iter(self._verified))]
        self._verified[text] = verified

    def read_refresh(self, text: str) -> RefreshToken:
        if not self._is_formed(text):
            raise InvalidRefreshToken
        try:
            return self._described(RefreshJwt(text), text)
        except self._ODD:
            raise InvalidRefreshToken from None

    @property
    def access_lifetime_seconds(self) -> int:
        return int(AccessJwt.lifetime.total_seconds())

    def _is_formed(self, text: str) -> bool:
        short = len(text) <= self._MOST_CHARACTERS
        return short and self._COMPACT.fullmatch(text) is not None

    @staticmethod
    def _described(token: RefreshJwt, text: str) -> RefreshToken:
        return RefreshToken(
            text=text,
            digest=sha256(text.encode("ascii")).hexdigest(),
            session_id=UUID(token["sid"]),
            expires_at=datetime.fromtimestamp(token["exp"], UTC),
        )
