from dataclasses import dataclass

import structlog

from backend.domain.jobs import JobKind
from backend.use_cases.ports import Doorbell, MediaLedger

log = structlog.get_logger(__name__)

# With more messages than this in its queue a kind has enough to do.
LONGEST_QUEUE = 200


@dataclass(frozen=True, slots=True)
class SweepJobs:
    """Brings back work that nobody is doing: lost leases and messages that got lost."""

    ledger: MediaLedger
    doorbell: Doorbell
    worker: str
    kinds: tuple[JobKind, ...]

    async def execute(self) -> None:
        """Raises `DatabaseAway`."""
        await self.ledger.beat(self.worker)
        reclaimed = await self.ledger.reclaim_lost()
        if reclaimed:
            log.warning("job.lease_expired", count=reclaimed)
        for kind in self.kinds:
            await self._ring(kind)

    async def _ring(self, kind: JobKind) -> None:
        waiting = await self.doorbell.waiting(kind)
        if waiting is None or waiting >= LONGEST_QUEUE:
            return
        for job in await self.ledger.due(kind, LONGEST_QUEUE - waiting):
            await self.doorbell.ring(job.media_id, [job.kind], job.request_id)
