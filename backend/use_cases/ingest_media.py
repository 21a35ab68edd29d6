"""Takes a received video in."""

import asyncio
from dataclasses import dataclass, field

from backend.domain.errors import CommitUnknown
from backend.domain.jobs import INGEST_JOBS
from backend.domain.media import Ingested, NewMedia
from backend.use_cases.ports import Doorbell, IncomingFile, MediaLedger


@dataclass(frozen=True, slots=True)
class IngestMedia:
    """Turn a received video into a media with its jobs, or the media it duplicates."""

    ledger: MediaLedger
    doorbell: Doorbell
    # The loop itself does not hold on to a task whose request has left.
    _running: set[asyncio.Task[Ingested]] = field(default_factory=set, init=False)

    async def execute(self, new: NewMedia, incoming: IncomingFile) -> Ingested:
        """Ends `incoming`. Raises what `MediaLedger.ingest` raises.

        The transaction goes on when the request is cancelled, so what follows it does
        too: what was committed keeps its file and its jobs are rung for.
        """
        task = asyncio.create_task(self._ingest(new, incoming))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _ingest(self, new: NewMedia, incoming: IncomingFile) -> Ingested:
        ingested = await self._written(new, incoming)
        # Before the bell: a worker cannot remove a file that is still locked.
        if ingested.keeps_staged_file:
            await incoming.keep()
        else:
            await incoming.discard()
        if ingested.created:
            await self.doorbell.ring(ingested.media_id, INGEST_JOBS, new.request_id)
        return ingested

    async def _written(self, new: NewMedia, incoming: IncomingFile) -> Ingested:
        try:
            return await self.ledger.ingest(new)
        except (CommitUnknown, asyncio.CancelledError):
            # Cancelled here means that the process stops: the commit may still happen.
            # A file without a row is removed by the sweep, a row without a file is lost.
            await incoming.keep()
            raise
        except BaseException:
            await incoming.discard()
            raise
