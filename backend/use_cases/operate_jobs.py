"""What a person on call can do with many jobs at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from backend.domain.jobs import JobKind
from backend.domain.operations import FailedJobs, OpenedAgain, Operator, Reopened
from backend.use_cases.due_bells import DueBells
from backend.use_cases.ports import Doorbell
from backend.use_cases.ports.operations import JobOperations

log = structlog.get_logger(__name__)

# This many changes are made known to readers together.
BATCH = 100


@dataclass(frozen=True, slots=True)
class RetryFailedJobs:
    """Retries all jobs that failed with a code, as if each were requested.

    Jobs that fail again meanwhile are not reopened twice.
    """

    operations: JobOperations
    doorbell: Doorbell
    bells: DueBells

    async def execute(
        self,
        which: FailedJobs,
        operator: Operator,
        request_id: str,
        most: int | None = None,
    ) -> Reopened:
        """At most this many are looked at.

        Raises what `JobOperations.reopen` raises.
        """
        until = (await self.operations.count_failed(which)).counted_at
        reopened, after, seen = Reopened(), None, 0
        while most is None or seen < most:
            size = BATCH if most is None else min(BATCH, most - seen)
            jobs = await self.operations.failed(which, until, after, size)
            if not jobs:
                break
            batch = await self.operations.reopen(jobs, operator, request_id)
            await self._ring(batch.opened, request_id)
            self._add(reopened, batch)
            after, seen = jobs[-1].job_id, seen + len(jobs)
        self._tell(which, operator, reopened)
        return reopened

    async def _ring(self, opened: Sequence[OpenedAgain], request_id: str) -> None:
        """The sweeper rings for jobs that do not fit into the queues."""
        room = {kind: await self.bells.room(kind) for kind in JobKind}
        for job in opened:
            kinds = [kind for kind in job.kinds if room[kind] > 0]
            for kind in kinds:
                room[kind] -= 1
            await self._ring_one(job.media_id, kinds, request_id)

    async def _ring_one(
        self, media_id: UUID, kinds: Sequence[JobKind], request_id: str
    ) -> None:
        if kinds:
            await self.doorbell.ring(media_id, kinds, request_id)

    @staticmethod
    def _add(total: Reopened, batch: Reopened) -> None:
        total.opened.extend(batch.opened)
        for code, count in batch.refused.items():
            total.refused[code] = total.refused.get(code, 0) + count

    @staticmethod
    def _tell(which: FailedJobs, operator: Operator, reopened: Reopened) -> None:
        log.warning(
            "jobs.retried",
            code=which.code.value,
            kinds=[kind.value for kind in which.kinds],
            by=operator.name,
            opened=len(reopened.opened),
            refused=reopened.refused,
        )


@dataclass(frozen=True, slots=True)
class ResumeJobs:
    """Resumes a kind of job at once."""

    operations: JobOperations
    bells: DueBells

    async def execute(self, kind: JobKind, operator: Operator) -> bool:
        """False if it was not paused. Raises what `JobOperations.resume` raises."""
        was_paused = await self.operations.resume(kind, operator)
        await self.bells.ring(kind)
        return was_paused
