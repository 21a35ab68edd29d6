"""The ledger over PostgreSQL: async outside, one transaction on a database thread inside."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog

from backend.domain.errors import CommitUnknown, DatabaseSilent
from backend.domain.failures import JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import Ingested, NewMedia
from backend.domain.technical import TechnicalSummary
from backend.orm.database_threads import DatabaseThreads
from backend.orm.deadlocks import DeadlockRetry
from backend.orm.held_job import HeldJob, LeaseLost
from backend.orm.job_claims import JobClaims
from backend.orm.job_endings import JobEndings
from backend.orm.job_sweep import JobSweep
from backend.orm.media_ingest import MediaIngest
from backend.use_cases.ports import Claim, DueJob

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)


class DjangoMediaLedger:
    """The `MediaLedger` port. Deadlocks are tried again, lost leases are logged."""

    def __init__(
        self,
        threads: DatabaseThreads,
        ingest: MediaIngest,
        claims: JobClaims,
        endings: JobEndings,
        sweep: JobSweep,
    ) -> None:
        self._threads = threads
        self._deadlocks = DeadlockRetry()
        self._ingest = ingest
        self._claims = claims
        self._endings = endings
        self._sweep = sweep

    async def ingest(self, new: NewMedia) -> Ingested:
        try:
            return await self._transact(self._ingest.execute, new)
        except DatabaseSilent as error:
            raise CommitUnknown from error

    async def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        return await self._transact(self._claims.claim, media_id, kind, worker)

    async def renew(self, claim: Claim, progress: int) -> bool:
        held = HeldJob(claim.job_id, claim.fence, claim.attempt)
        return await self._transact(held.renew, progress)

    async def mark_published(self, claim: Claim) -> UUID | None:
        return await self._end(claim, self._endings.mark_published, claim)

    async def mark_described(
        self, claim: Claim, summary: TechnicalSummary
    ) -> UUID | None:
        return await self._end(claim, self._endings.mark_described, claim, summary)

    async def fail(self, claim: Claim, error: JobFailed) -> UUID | None:
        return await self._end(claim, self._endings.fail, claim, error)

    async def release(self, claim: Claim) -> None:
        await self._end(claim, self._endings.release, claim)

    async def reclaim_lost(self) -> int:
        return await self._transact(self._sweep.reclaim_lost)

    async def due(self, kind: JobKind, most: int) -> list[DueJob]:
        return await self._transact(self._sweep.due, kind, most)

    async def beat(self, worker: str) -> None:
        await self._transact(self._sweep.beat, worker)

    async def _end(
        self,
        claim: Claim,
        unit: Callable[P, R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R | None:
        try:
            return await self._transact(unit, *args, **kwargs)
        except LeaseLost:
            log.warning(
                "job.fenced", media_id=str(claim.media_id), kind=claim.kind.value
            )
            return None

    async def _transact(
        self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await self._threads.run(
            lambda: self._deadlocks.run(unit, *args, **kwargs)
        )
