"""How much a job asks of PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.domain.jobs import JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_claims import JobClaims
from backend.orm.job_endings import JobEndings
from backend.orm.models import Media
from backend.use_cases.ports import Freshness
from tests.ledger_world import SUMMARY, LedgerWorld

P = ParamSpec("P")
T = TypeVar("T")

pytestmark = pytest.mark.usefixtures("clean_database")
UPLOAD, EXTRACT = JobKind.UPLOAD_TO_CDN, JobKind.EXTRACT_METADATA


@pytest_asyncio.fixture
async def world(freshness: Freshness) -> AsyncIterator[LedgerWorld]:
    threads = DatabaseThreads(2)
    yield LedgerWorld(threads, freshness, RetryPolicy())
    threads.close()


class Statements:
    """Runs a transaction on this thread and counts, with its beginning and its end."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def __call__(self, unit: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with CaptureQueriesContext(connection) as captured:
            result = unit(*args, **kwargs)
        self.counts.append(len(captured))
        return result


async def test_both_jobs_of_a_media_need_few(world: LedgerWorld) -> None:
    session = await sync_to_async(world.session)()
    media_id = await world.taken_in(session)
    count, claims = Statements(), JobClaims()
    endings = JobEndings(RetryPolicy())

    def work() -> None:
        upload = count(claims.claim, media_id, UPLOAD, "worker-1")
        extract = count(claims.claim, media_id, EXTRACT, "worker-1")
        assert upload is not None
        assert extract is not None
        count(endings.mark_published, upload)
        count(endings.mark_described, extract, SUMMARY)
        assert Media.objects.get(uuid=media_id).status == "ready"

    await sync_to_async(work)()
    assert count.counts == [5, 4, 10, 8]


async def test_the_server_has_planned_most_of_them_before(world: LedgerWorld) -> None:
    session = await sync_to_async(world.session)()
    media_id = await world.taken_in(session)

    def prepared() -> int:
        connection.close()
        JobClaims().claim(media_id, UPLOAD, "worker-1")
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            return int(cursor.fetchone()[0])

    assert await sync_to_async(prepared)() >= 3
