from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from backend.domain.jobs import JobKind
from backend.domain.media import Caller
from backend.use_cases.ports import Doorbell, MediaLedger


@dataclass(frozen=True, slots=True)
class RequestDeletion:
    """Hides a media at once, and queues the removal of its contents."""

    ledger: MediaLedger
    doorbell: Doorbell

    async def execute(
        self,
        media_id: UUID,
        caller: Caller,
        request_id: str,
        revisions: Collection[str] | None = None,
    ) -> None:
        """Raises what `MediaLedger.delete` raises."""
        await self.ledger.delete(media_id, caller, request_id, revisions)
        await self.doorbell.ring(media_id, [JobKind.DELETE_MEDIA], request_id)
