from dataclasses import dataclass, field

import structlog

from backend.domain.errors import DatabaseAway
from backend.domain.jobs import JobKind
from backend.use_cases.due_bells import DueBells
from backend.use_cases.ports import Doorbell, MediaLedger, Staging
from backend.use_cases.ports.metrics import UNOBSERVED, SweepObserver
from backend.use_cases.purge import Purge
from backend.use_cases.staged_files import StagedFiles

log = structlog.get_logger(__name__)

# Together longer than the time between two renewals.
LENIENT_SWEEPS = 4


@dataclass(slots=True)
class SweepJobs:
    """Recovers abandoned work: lost leases and lost messages.

    At the end it purges what is no longer needed. While the database is away no lease
    can be renewed; when it is back, live workers get time to renew first.
    """

    ledger: MediaLedger
    staging: Staging
    doorbell: Doorbell
    worker: str
    kinds: tuple[JobKind, ...]
    purges: tuple[Purge, ...]
    observer: SweepObserver = UNOBSERVED
    _lenient_sweeps: int = field(default=0, init=False)

    async def execute(self) -> None:
        """Raises `DatabaseAway`."""
        try:
            await self.ledger.beat(self.worker)
        except DatabaseAway:
            self._lenient_sweeps = LENIENT_SWEEPS
            raise
        if self._lenient_sweeps:
            self._lenient_sweeps -= 1
        else:
            await self._reclaim()
        bells = DueBells(self.ledger, self.doorbell, self.observer)
        for kind in self.kinds:
            await bells.ring(kind)
        for purge in self.purges:
            await purge.execute()

    async def _reclaim(self) -> None:
        reclaimed = await self.ledger.reclaim_lost()
        if reclaimed.media:
            self.observer.taken_back(len(reclaimed.media))
            log.warning("job.lease_expired", count=len(reclaimed.media))
        await StagedFiles(self.staging).remove(reclaimed.unneeded)
