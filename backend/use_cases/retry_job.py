from dataclasses import dataclass
from uuid import UUID

from backend.domain.jobs import JobKind
from backend.domain.media import Caller
from backend.use_cases.ports import Doorbell, MediaLedger


@dataclass(frozen=True, slots=True)
class RetryJob:
    """Retries work that failed for good, because a person asks for it."""

    ledger: MediaLedger
    doorbell: Doorbell

    async def execute(
        self, media_id: UUID, kind: JobKind, caller: Caller, request_id: str
    ) -> UUID:
        """The new job. Raises what `MediaLedger.retry` raises."""
        retried = await self.ledger.retry(media_id, kind, caller, request_id)
        await self.doorbell.ring(media_id, retried.kinds, request_id)
        return retried.job_id
