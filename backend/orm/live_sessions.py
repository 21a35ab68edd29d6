"""The caller of a live session."""

from collections.abc import Sequence
from typing import Any, ClassVar

from backend.domain.accounts import AccessClaims, LiveSession
from backend.domain.media import Caller
from backend.orm.database_line import Statement
from backend.orm.database_lines import DatabaseLines
from backend.orm.profiles import Profiles


class PostgresLiveSessions:
    """The `LiveSessions` port: session, account and role in one statement."""

    _CALLER: ClassVar = Statement(
        """
        SELECT "user".email, "user".role_id, role.rights,
               extract(epoch FROM session.expires_at - statement_timestamp())::float8
        FROM session
        JOIN "user" ON "user".uuid = session.user_id
        JOIN role ON role.name = "user".role_id
        WHERE session.uuid = $1
          AND session.user_id = $2
          AND session.revoked_at IS NULL
          AND session.expires_at > statement_timestamp()
          AND "user".is_active
        """,
        prepared=True,
    )

    def __init__(self, lines: DatabaseLines) -> None:
        self._lines = lines

    async def live_session(self, claims: AccessClaims) -> LiveSession | None:
        def made(row: Sequence[Any]) -> LiveSession:
            email, role, rights, seconds_left = row
            known = Profiles.known(rights)
            caller = Caller(claims.user_id, claims.session_id, email, role, known)
            return LiveSession(caller, seconds_left)

        found = await self._lines.rows(
            self._CALLER, claims.session_id, claims.user_id, make=made
        )
        return found[0] if found else None
