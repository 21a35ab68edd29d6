"""How PostgreSQL reads lists and searches, so that they do not grow with the table."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_lists import MediaFilter, MediaLists, MediaOrder, TitleStart
from backend.orm.media_search import MediaSearch
from backend.orm.pages import MOST_COUNTED, PageStart
from backend.use_cases.ports import Freshness
from tests.accounts import Accounts
from tests.shelf import Shelf

P = ParamSpec("P")
T = TypeVar("T")

MEDIA = 30_000
# As a library that has grown: everything has a title, a time and a length of its own.
_SPREAD = """
    UPDATE media
       SET title = 'Film ' || md5(number::text)
                   || CASE WHEN number % 2 = 0 THEN ' common' ELSE '' END
                   || CASE WHEN number % 600 = 0 THEN ' seldom' ELSE '' END,
           created_at = '2026-01-01Z'::timestamptz + number * interval '1 second',
           duration_seconds = number
      FROM (SELECT uuid, row_number() OVER () AS number FROM media) numbered
     WHERE media.uuid = numbered.uuid
"""
A_MOMENT = datetime(2026, 1, 1, 4, tzinfo=UTC)


class ExplainingThreads(DatabaseThreads):
    """Runs units, and keeps the plans of their statements that read media."""

    def __init__(self) -> None:
        super().__init__(1)
        self.plans: list[str] = []

    async def run(self, unit: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def explained() -> T:
            with CaptureQueriesContext(connection) as captured:
                result = unit(*args, **kwargs)
            statements = [query["sql"] for query in captured.captured_queries]
            self.plans += [
                self._plan(sql)
                for sql in statements
                if 'FROM "media"' in sql or "FROM media" in sql
            ]
            return result

        return await super().run(explained)

    def taken(self) -> list[str]:
        plans, self.plans = self.plans, []
        return plans

    @staticmethod
    def _plan(statement: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}")
            return "\n".join(line for (line,) in cursor.fetchall())


def grow() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_SPREAD)
        cursor.execute("VACUUM ANALYZE media")
        cursor.execute("RESET statement_timeout")


@pytest.fixture
async def shelf(accounts: Accounts, freshness: Freshness) -> Shelf:
    await accounts.make("ann@example.org", "media_operator")
    shelf = await Shelf.of("ann@example.org", freshness)
    await shelf.fill("Film", MEDIA)
    await sync_to_async(grow)()
    return shelf


@pytest.fixture
async def threads() -> AsyncIterator[ExplainingThreads]:
    threads = ExplainingThreads()
    yield threads
    await asyncio.to_thread(threads.close)


@pytest.mark.timeout(600)
async def test_lists_and_searches_read_indexes(
    shelf: Shelf, threads: ExplainingThreads
) -> None:
    lists, search = MediaLists(threads), MediaSearch(threads)
    for order in MediaOrder:
        by_title = order.endswith("title")
        start = (
            TitleStart(" film 8", uuid4()) if by_title else PageStart(A_MOMENT, uuid4())
        )
        for wanted in (MediaFilter(), MediaFilter(owner=shelf.owner_id)):
            for begins in (None, start):
                await lists.page(wanted, order, 20, begins)
                counting, paging = threads.taken()
                # As many as are counted at most, whichever come first.
                assert "Limit" in counting
                assert_read(paging, "by_title" if by_title else "newest_first")
    await lists.page(MediaFilter(status="failed"), MediaOrder.NEWEST_FIRST, 20, None)
    for plan in threads.taken():
        assert_read(plan, "media_of_status_newest_first")

    for text, total in (("seldom", 50), ("film eldo", 50), ("common", MOST_COUNTED)):
        page = await search.page(text, 20, None)
        assert page is not None
        assert (page.total, page.total_is_exact) == (total, total < MOST_COUNTED)
        matching, showing = threads.taken()
        assert "Seq Scan on media" not in matching + showing
        if total < MOST_COUNTED:
            assert "media_title_trigrams" in matching


def assert_read(plan: str, index: str) -> None:
    """From the index in its order, so that the limit ends it."""
    assert index in plan
    assert "Sort" not in plan, plan
    assert "Seq Scan on media" not in plan, plan
