"""Who calls, without asking PostgreSQL each time."""

from dataclasses import dataclass
from functools import partial

from backend.domain.accounts import AccessClaims, LiveSession
from backend.domain.freshness import FRESH_SECONDS, Scopes
from backend.domain.media import Caller
from backend.use_cases.caller_record import CallerRecord
from backend.use_cases.ports import AnswerCache, LiveSessions


class _NotKept(Exception):
    """A session that has ended, or ends before its entry would; it is not cached."""

    def __init__(self, session: LiveSession | None) -> None:
        self.session = session


@dataclass(frozen=True, slots=True)
class KnownCallers:
    """The `Callers` port: recent answers of PostgreSQL, unless they have changed since.

    Sessions that are not live are not cached, so that a new session works at once. A
    session that is about to expire is read each time, so that no entry outlives it.
    """

    sessions: LiveSessions
    cache: AnswerCache

    async def caller(self, claims: AccessClaims, reads: str = "") -> Caller | None:
        scopes = [Scopes.user(claims.user_id), Scopes.ROLES]
        key = f"caller:{claims.session_id}:{claims.user_id}"
        try:
            record = await self.cache.first_answer(
                key,
                scopes,
                partial(self._record, claims),
                # The same text may mean something else for another user: `owner=me`.
                request=f"{claims.user_id} {reads}" if reads else "",
            )
        except _NotKept as found:
            return found.session.caller if found.session else None
        try:
            return CallerRecord.read(record, claims)
        except ValueError:  # Written by another version, or not by us.
            session = await self.sessions.live_session(claims)
            return session.caller if session else None

    async def _record(self, claims: AccessClaims) -> bytes:
        """Raises `_NotKept`."""
        session = await self.sessions.live_session(claims)
        if session is None or session.seconds_left <= FRESH_SECONDS:
            raise _NotKept(session)
        return CallerRecord.write(session.caller)
