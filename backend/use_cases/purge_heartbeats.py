"""Forgets workers that ended long ago."""

from datetime import timedelta

from backend.use_cases.ports import MediaLedger
from backend.use_cases.purge import Purge

# Every process that is started has a name of its own.
KEEP = timedelta(days=1)


class PurgeHeartbeats(Purge):
    """Removes workers that were silent long enough to have ended."""

    event = "heartbeats.purged"

    def __init__(self, ledger: MediaLedger) -> None:
        super().__init__()
        self._ledger = ledger

    async def _forget(self, most: int) -> int:
        return await self._ledger.purge_heartbeats(KEEP, most)
