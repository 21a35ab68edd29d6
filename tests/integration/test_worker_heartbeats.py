"""Workers come and go, each under a name of its own; those long gone are forgotten."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from django.utils import timezone

from backend.domain.jobs import RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_pulse import JobPulse
from backend.orm.models import WorkerHeartbeat
from backend.use_cases.ports import Freshness
from tests.ledger_world import LedgerWorld
from tests.media_http import Service

pytestmark = pytest.mark.usefixtures("clean_database")

DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def world(
    database_threads: DatabaseThreads, freshness: Freshness
) -> AsyncIterator[LedgerWorld]:
    yield LedgerWorld(database_threads, freshness, RetryPolicy())


class Workers:
    @staticmethod
    async def seen(**hours_ago: int) -> None:
        now = timezone.now()
        for worker, hours in hours_ago.items():
            seen_at = now - timedelta(hours=hours)
            await WorkerHeartbeat.objects.acreate(worker=worker, seen_at=seen_at)

    @staticmethod
    async def known() -> set[str]:
        return {row.worker async for row in WorkerHeartbeat.objects.all()}


class TestHeartbeats:
    async def test_a_sweep_forgets_workers_that_ended_long_ago(
        self, service: Service
    ) -> None:
        await Workers.seen(first=480, second=25, third=23)
        await service.worker.sweep_jobs.execute()
        assert await Workers.known() == {"third", service.worker.worker}

    async def test_the_newest_tells_how_long_there_was_none(
        self, world: LedgerWorld, database_threads: DatabaseThreads
    ) -> None:
        await Workers.seen(first=72, second=48, third=60)
        before = await JobPulse(database_threads).read()
        assert await world.ledger.purge_heartbeats(DAY, 10) == 2
        assert await Workers.known() == {"second"}
        assert await JobPulse(database_threads).read() == before

    async def test_they_go_little_by_little(self, world: LedgerWorld) -> None:
        await Workers.seen(a=72, b=72, c=72, d=1)
        purge = world.ledger.purge_heartbeats
        assert [await purge(DAY, 2) for _ in range(3)] == [2, 1, 0]
