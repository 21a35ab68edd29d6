from dataclasses import dataclass

from backend.domain.jobs import JobKind
from backend.use_cases.ports import Doorbell, MediaLedger
from backend.use_cases.ports.metrics import UNOBSERVED, SweepObserver

# A kind with more messages than this in its queue has enough to do.
LONGEST_QUEUE = 200


@dataclass(frozen=True, slots=True)
class DueBells:
    """Rings for due jobs without a recent message."""

    ledger: MediaLedger
    doorbell: Doorbell
    observer: SweepObserver = UNOBSERVED

    async def ring(self, kind: JobKind) -> None:
        """Only while the queue is short. Raises `DatabaseAway`."""
        room = await self.room(kind)
        due = await self.ledger.due(kind, room) if room else []
        if due:
            self.observer.rung_again(kind, len(due))
        for job in due:
            await self.doorbell.ring(job.media_id, [job.kind], job.request_id)

    async def room(self, kind: JobKind) -> int:
        """How many more messages the queue should get; none while Redis is away."""
        waiting = await self.doorbell.waiting(kind)
        return 0 if waiting is None else max(0, LONGEST_QUEUE - waiting)
