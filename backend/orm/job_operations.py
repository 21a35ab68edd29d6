"""What a person on call does over PostgreSQL: async outside, transactions inside."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from backend.domain.errors import Conflict, NotFound
from backend.domain.freshness import Scopes
from backend.domain.jobs import JobKind
from backend.domain.operations import (
    FailedCount,
    FailedJob,
    FailedJobs,
    OpenedAgain,
    Operator,
    Pause,
    Paused,
    Reopened,
    Stuck,
)
from backend.orm.database_threads import DatabaseThreads
from backend.orm.failed_jobs import FailedJobRows
from backend.orm.job_pauses import JobPauses
from backend.orm.job_retry import JobRetry
from backend.orm.stuck_jobs import StuckJobs
from backend.orm.transactions import Transactions
from backend.use_cases.ports import Freshness


class DjangoJobOperations:
    """The `JobOperations` port."""

    def __init__(
        self, threads: DatabaseThreads, freshness: Freshness, retry: JobRetry
    ) -> None:
        self._transactions = Transactions(threads)
        self._freshness = freshness
        self._retry = retry

    async def count_failed(self, which: FailedJobs) -> FailedCount:
        return await self._transactions.run(FailedJobRows.count, which)

    async def failed(
        self, which: FailedJobs, until: datetime, after: UUID | None, most: int
    ) -> list[FailedJob]:
        return await self._transactions.run(
            FailedJobRows.some, which, until, after, most
        )

    async def reopen(
        self, jobs: Sequence[FailedJob], operator: Operator, request_id: str
    ) -> Reopened:
        """All changes are made known to readers together, even if the last one
        failed."""
        reopened = Reopened()
        try:
            for job in jobs:
                await self._reopen(job, operator, request_id, reopened)
        finally:
            await self._freshness.changed(*Scopes.shown([job.media_id for job in jobs]))
        return reopened

    async def pause(self, kind: JobKind, operator: Operator, reason: str) -> Paused:
        return await self._transactions.run(JobPauses.begin, kind, operator, reason)

    async def resume(self, kind: JobKind, operator: Operator) -> bool:
        return await self._transactions.run(JobPauses.end, kind, operator)

    async def pauses(self) -> list[Pause]:
        return await self._transactions.run(JobPauses.all)

    async def stuck(self, longer_than: timedelta, most: int) -> Stuck:
        return await self._transactions.run(StuckJobs.read, longer_than, most)

    async def _reopen(
        self, job: FailedJob, operator: Operator, request_id: str, into: Reopened
    ) -> None:
        try:
            retried = await self._transactions.run(
                self._retry.reopen, job, operator, request_id
            )
        except (Conflict, NotFound) as error:
            into.refuse(error.code)
        else:
            into.opened.append(OpenedAgain(job.media_id, retried.kinds))
