"""How a caller is written down for a while."""

import json
from typing import Any

from backend.domain.accounts import AccessClaims
from backend.domain.media import Caller
from backend.domain.rights import Right


class CallerRecord:
    """A JSON list: e-mail, role, rights. Whose it is stands in the claims."""

    @staticmethod
    def write(caller: Caller) -> bytes:
        rights = sorted(caller.rights)
        return json.dumps([caller.email, caller.role, rights]).encode()

    @classmethod
    def read(cls, record: bytes, claims: AccessClaims) -> Caller:
        """Raises `ValueError` for what `write` would not have written."""
        match json.loads(record):
            case [str(email), str(role), list(rights)]:
                known = cls._rights(rights)
                return Caller(claims.user_id, claims.session_id, email, role, known)
        raise ValueError("This is not a caller.")

    @staticmethod
    def _rights(rights: list[Any]) -> frozenset[Right]:
        return frozenset(Right(right) for right in rights)
