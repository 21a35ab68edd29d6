"""Gives a media another miniature."""

from dataclasses import dataclass, field
from uuid import UUID

from backend.domain.jobs import JobKind
from backend.domain.media import Caller, NewMiniature
from backend.use_cases.handover import Handover
from backend.use_cases.ports import Doorbell, IncomingFile, MediaLedger


@dataclass(frozen=True, slots=True)
class ReplaceMiniature:
    """Queue a job that makes a received picture the miniature of a media."""

    ledger: MediaLedger
    doorbell: Doorbell
    _handover: Handover = field(default_factory=Handover, init=False)

    async def check(self, media_id: UUID, caller: Caller) -> None:
        """Raises what `MediaLedger.check_miniature` raises: nothing was received yet."""
        await self.ledger.check_miniature(media_id, caller)

    async def execute(self, new: NewMiniature, incoming: IncomingFile) -> UUID:
        """Ends `incoming`; returns the uuid of the job.

        Raises what `MediaLedger.replace_miniature` raises. As with an upload, work that
        has begun continues when the request is cancelled.
        """
        return await self._handover.see_through(self._replace(new, incoming))

    async def _replace(self, new: NewMiniature, incoming: IncomingFile) -> UUID:
        async with self._handover.undecided(incoming):
            job_id = await self.ledger.replace_miniature(new)
        await incoming.keep()
        await self.doorbell.ring(new.media_id, [JobKind.MAKE_MINIATURE], new.request_id)
        return job_id
