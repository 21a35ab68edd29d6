"""All of a code at once: batches, and bells only while queues have room."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.domain.failures import FailureCode
from backend.domain.jobs import JobKind
from backend.domain.operations import (
    FailedCount,
    FailedJob,
    FailedJobs,
    OpenedAgain,
    Operator,
    Reopened,
)
from backend.use_cases.due_bells import LONGEST_QUEUE, DueBells
from backend.use_cases.operate_jobs import BATCH, RetryFailedJobs

UPLOAD = JobKind.UPLOAD_TO_CDN
NOW = datetime(2026, 7, 1, tzinfo=UTC)
WHICH = FailedJobs(FailureCode.OBJECT_DAMAGED)


class FailedJobsInMemory:
    """All are opened again but each tenth, which is refused."""

    def __init__(self, count: int) -> None:
        ids = sorted(uuid4() for _ in range(count))
        self.jobs = [FailedJob(each, uuid4(), UPLOAD) for each in ids]
        self.batches: list[int] = []

    async def count_failed(self, which: FailedJobs) -> FailedCount:
        return FailedCount({UPLOAD: len(self.jobs)}, NOW)

    async def failed(
        self, which: FailedJobs, until: datetime, after: UUID | None, most: int
    ) -> list[FailedJob]:
        later = [job for job in self.jobs if after is None or job.job_id > after]
        return later[:most]

    async def reopen(
        self, jobs: Sequence[FailedJob], operator: Operator, request_id: str
    ) -> Reopened:
        self.batches.append(len(jobs))
        reopened = Reopened()
        for job in jobs:
            if self.jobs.index(job) % 10 == 9:
                reopened.refuse("job_open")
            else:
                reopened.opened.append(OpenedAgain(job.media_id, (UPLOAD,)))
        return reopened


class QueueInMemory:
    def __init__(self, waiting: int | None) -> None:
        self.length = waiting
        self.rung: list[UUID] = []

    async def ring(self, media_id: UUID, kinds: Any, request_id: str) -> None:
        assert self.length is not None
        self.length += len(list(kinds))
        self.rung.append(media_id)

    async def waiting(self, kind: JobKind) -> int | None:
        return self.length


def retry(jobs: FailedJobsInMemory, queue: QueueInMemory) -> RetryFailedJobs:
    ledger: Any = None  # Not asked.
    return RetryFailedJobs(jobs, queue, DueBells(ledger, queue))  # type: ignore[arg-type]


class TestRetryFailedJobs:
    async def test_every_job_is_looked_at_once(self) -> None:
        jobs, queue = FailedJobsInMemory(250), QueueInMemory(0)
        reopened = await retry(jobs, queue).execute(WHICH, Operator("ann"), "r")
        assert jobs.batches == [BATCH, BATCH, 50]
        assert (len(reopened.opened), reopened.refused) == (225, {"job_open": 25})

    async def test_the_queue_is_never_made_longer_than_enough(self) -> None:
        jobs, queue = FailedJobsInMemory(400), QueueInMemory(LONGEST_QUEUE - 30)
        await retry(jobs, queue).execute(WHICH, Operator("ann"), "r")
        assert (queue.length, len(queue.rung)) == (LONGEST_QUEUE, 30)

    async def test_without_redis_the_sweeper_rings(self) -> None:
        jobs, queue = FailedJobsInMemory(5), QueueInMemory(None)
        reopened = await retry(jobs, queue).execute(WHICH, Operator("ann"), "r")
        assert (len(reopened.opened), queue.rung) == (5, [])

    @pytest.mark.parametrize("most", [1, BATCH, BATCH + 1])
    async def test_no_more_than_was_asked_for(self, most: int) -> None:
        jobs, queue = FailedJobsInMemory(250), QueueInMemory(0)
        await retry(jobs, queue).execute(WHICH, Operator("ann"), "r", most)
        assert sum(jobs.batches) == most
