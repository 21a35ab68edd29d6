"""How a caller is cached."""

import json
from functools import lru_cache

from backend.domain.accounts import AccessClaims
from backend.domain.media import Caller
from backend.domain.rights import Right

MOST_REMEMBERED = 1_000


class CallerRecord:
    """A JSON list: e-mail, role, rights. The claims say whose it is."""

    @staticmethod
    def write(caller: Caller) -> bytes:
        rights = sorted(caller.rights)
        return json.dumps([caller.email, caller.role, rights]).encode()

    @classmethod
    def read(cls, record: bytes, claims: AccessClaims) -> Caller:
        """Raises `ValueError` for what `write` would not have written."""
        return Caller(claims.user_id, claims.session_id, *cls._parsed(record))

    @staticmethod
    @lru_cache(maxsize=MOST_REMEMBERED)
    def _parsed(record: bytes) -> tuple[str, str, frozenset[Right]]:
        """Remembered, as the same bytes always mean the same."""
        match json.loads(record):
            case [str(email), str(role), list(rights)]:
                return email, role, frozenset(Right(right) for right in rights)
        raise ValueError("This is not a caller.")
