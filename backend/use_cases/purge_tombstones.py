"""Forgets deleted media after a while."""

from datetime import timedelta

from backend.use_cases.ports import MediaLedger
from backend.use_cases.purge import INTERVAL_SECONDS, MOST_AT_ONCE, Purge


class PurgeTombstones(Purge):
    """Removes what is left of media that were deleted this long ago."""

    event = "tombstones.purged"

    def __init__(
        self,
        ledger: MediaLedger,
        keep: timedelta,
        interval_seconds: float = INTERVAL_SECONDS,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        super().__init__(interval_seconds, most_at_once)
        self._ledger = ledger
        self._keep = keep

    async def _forget(self, most: int) -> int:
        return await self._ledger.purge_tombstones(self._keep, most)
