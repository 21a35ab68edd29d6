"""A ledger for tests in which jobs have failed for good."""

from uuid import UUID

from asgiref.sync import sync_to_async

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetriedJob, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Session
from backend.use_cases.ports import Freshness
from tests.ledger_world import SUMMARY, LedgerWorld


class RetryWorld(LedgerWorld):
    """A ledger whose jobs have one attempt only."""

    def __init__(self, threads: DatabaseThreads, freshness: Freshness) -> None:
        super().__init__(threads, freshness, RetryPolicy(most_failures=1))

    async def failed(
        self,
        media_id: UUID,
        kind: JobKind,
        code: FailureCode = FailureCode.INTERNAL_ERROR,
    ) -> None:
        claim = await self.claimed(media_id, kind)
        await self.ledger.fail(claim, JobFailed(code, "a surprise"))

    async def succeeded(self, media_id: UUID, kind: JobKind) -> None:
        claim = await self.claimed(media_id, kind)
        if kind == JobKind.UPLOAD_TO_CDN:
            await self.ledger.mark_published(claim)
        else:
            await self.ledger.mark_described(claim, SUMMARY)

    async def retry(
        self, media_id: UUID, kind: JobKind, session: Session
    ) -> RetriedJob:
        caller = await sync_to_async(self.caller)(session)
        return await self.ledger.retry(media_id, kind, caller, "request-3")
