from backend.domain.accounts import AccessClaims
from backend.domain.media import Caller
from backend.use_cases.ports import LiveSessions


class UncachedCallers:
    """The `Callers` port without a cache: PostgreSQL is asked each time."""

    def __init__(self, sessions: LiveSessions) -> None:
        self._sessions = sessions

    async def caller(self, claims: AccessClaims, reads: str = "") -> Caller | None:
        session = await self._sessions.live_session(claims)
        return session.caller if session else None
