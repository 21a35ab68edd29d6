"""Forgets sessions that cannot be used any more."""

from datetime import timedelta

from backend.use_cases.ports import EndedSessions
from backend.use_cases.purge import Purge

# Long after the last token of the session has expired, by any clock. One that was
# revoked waits for that too: its refresh token can still be handed back.
KEEP = timedelta(days=1)


class PurgeSessions(Purge):
    """Removes sessions that expired a while ago, revoked or not."""

    event = "sessions.purged"

    def __init__(self, sessions: EndedSessions) -> None:
        super().__init__()
        self._sessions = sessions

    async def _forget(self, most: int) -> int:
        return await self._sessions.purge(KEEP, most)
