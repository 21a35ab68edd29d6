"""How PostgreSQL reads lists and searches, so that they do not grow with the table."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from backend.orm.database_line import Statement
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_lists import MediaFilter, MediaLists, MediaOrder, TitleStart
from backend.orm.media_repository import MediaRepository
from backend.orm.media_search import MediaSearch
from backend.orm.pages import MOST_COUNTED, PageStart
from backend.use_cases.ports import Freshness
from tests.accounts import Accounts
from tests.shelf import Shelf

Row = TypeVar("Row")

MEDIA = 30_000
# As a library that has grown: everything has a title, a time and a length of its own.
_SPREAD = """
    UPDATE media
       SET title = 'Film ' || md5(number::text)
                   || CASE WHEN number % 2 = 0 THEN ' common' ELSE '' END
                   || CASE WHEN number % 600 = 0 THEN ' seldom' ELSE '' END,
           created_at = '2026-01-01Z'::timestamptz + number * interval '1 second',
           duration_seconds = number,
           description = repeat('What is to be seen. ', 20)
      FROM (SELECT uuid, row_number() OVER () AS number FROM media) numbered
     WHERE media.uuid = numbered.uuid
"""
A_MOMENT = datetime(2026, 1, 1, 4, tzinfo=UTC)


class Plan:
    """What PostgreSQL would do for a statement, without what it would only count for."""

    def __init__(self, explained: Any) -> None:
        self.nodes = list(self._nodes(explained[0]["Plan"]))

    @classmethod
    def _nodes(cls, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for part in node.get("Plans", ()):
            if part.get("Parent Relationship") != "InitPlan" or "CTE" in str(
                part.get("Subplan Name")
            ):
                yield from cls._nodes(part)

    @property
    def kinds(self) -> set[str]:
        return {node["Node Type"] for node in self.nodes}

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def read_alone(self) -> set[str]:
        """Indexes that spare the rows of the table."""
        scans = (node for node in self.nodes if node["Node Type"] == "Index Only Scan")
        return {node["Index Name"] for node in scans}

    @property
    def limited(self) -> set[str]:
        """Indexes that are read no further than a limit."""
        limits = (node for node in self.nodes if node["Node Type"] == "Limit")
        parts = (part for limit in limits for part in limit["Plans"])
        return {part["Index Name"] for part in parts if "Index Name" in part}

    @property
    def scanned(self) -> set[str]:
        """Tables that are read from one end to the other."""
        scans = (node for node in self.nodes if node["Node Type"] == "Seq Scan")
        return {node["Relation Name"] for node in scans}


class ExplainingLines(DatabaseLines):
    """Reads, and keeps the plans of the statements that read media.

    Of what is prepared also the plan for whatever values may come.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._plans: list[Plan] = []

    async def rows(
        self,
        statement: Statement,
        *values: Any,
        make: Callable[[Sequence[Any]], Row],
    ) -> list[Row]:
        if "FROM media" in statement.text:
            explain = Statement(f"EXPLAIN (FORMAT JSON) {statement.text}")
            self._plans += await super().rows(
                explain, *values, make=lambda row: Plan(row[0])
            )
        if statement.prepared and "FROM media" in statement.text:
            self._plans.append(await sync_to_async(self._generic)(statement))
        return await super().rows(statement, *values, make=make)

    def taken(self) -> list[Plan]:
        plans, self._plans = self._plans, []
        assert plans
        return plans

    @staticmethod
    def _generic(statement: Statement) -> Plan:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement.text}")
            return Plan(cursor.fetchone()[0])


def grow() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        # Rows whose commit may not be on disk yet are not seen to be there for all.
        cursor.execute("SET synchronous_commit = on")
        cursor.execute(_SPREAD)
        cursor.execute("VACUUM ANALYZE media")
        cursor.execute("RESET synchronous_commit")
        cursor.execute("RESET statement_timeout")


@pytest.fixture
async def shelf(accounts: Accounts, freshness: Freshness) -> Shelf:
    await accounts.make("ann@example.org", "media_operator")
    shelf = await Shelf.of("ann@example.org", freshness)
    await shelf.fill("Film", MEDIA)
    await sync_to_async(grow)()
    return shelf


@pytest.fixture
async def lines() -> AsyncIterator[ExplainingLines]:
    lines = ExplainingLines()
    yield lines
    await lines.close()


@pytest.mark.timeout(600)
async def test_lists_searches_and_details_read_indexes(
    shelf: Shelf, lines: ExplainingLines, database_threads: DatabaseThreads
) -> None:
    """In one test, for to fill the table takes longest."""
    lists = MediaLists(lines)
    for order in MediaOrder:
        await check_pages(shelf, lists, order, lines)
    await check_totals(lists, lines)
    for text, total in (("seldom", 50), ("film eldo", 50), ("common", MOST_COUNTED)):
        await check_search(text, total, lines)
    await check_one_media(shelf, MediaRepository(database_threads, lines), lines)


async def check_pages(
    shelf: Shelf, lists: MediaLists, order: MediaOrder, lines: ExplainingLines
) -> None:
    by_title = order.endswith("title")
    start = TitleStart(" film 8", uuid4()) if by_title else PageStart(A_MOMENT, uuid4())
    for wanted in (
        MediaFilter(),
        MediaFilter(owner=shelf.owner_id),
        MediaFilter(created_after=A_MOMENT - timedelta(hours=2)),
        MediaFilter(created_before=A_MOMENT + timedelta(hours=2)),
    ):
        for begins in (None, start):
            await lists.page(wanted, order, 20, begins)
            for plan in lines.taken():
                assert_read(plan, "by_title" if by_title else "newest_first")


async def check_totals(lists: MediaLists, lines: ExplainingLines) -> None:
    for wanted in (MediaFilter(), MediaFilter(created_before=A_MOMENT)):
        await lists.page(wanted, MediaOrder.NEWEST_FIRST, 20, None, is_capped=True)
    assert await lists.counted_to() == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
        seconds=MOST_COUNTED + 1
    )
    for plan in lines.taken():
        assert_read(plan, "newest_first")
    await lists.page(MediaFilter(status="failed"), MediaOrder.NEWEST_FIRST, 20, None)
    for plan in lines.taken():
        assert_read(plan, "media_of_status_newest_first")


async def check_search(text: str, total: int, lines: ExplainingLines) -> None:
    page = await MediaSearch(lines).page(text, 20, None)
    assert page is not None
    assert (page.total, page.total_is_exact) == (total, total < MOST_COUNTED)
    plan, *of_titles = lines.taken()
    assert "media" not in plan.scanned  # The others may be empty here.
    for title in of_titles:
        assert title.limited == {"media_by_title"}, title.nodes
    if total < MOST_COUNTED:
        assert "media_title_trigrams" in plan.indexes
    else:
        assert "media_titles_newest_first" in plan.read_alone, plan.nodes


async def check_one_media(
    shelf: Shelf, media: MediaRepository, lines: ExplainingLines
) -> None:
    await media.detail(await shelf.newest())
    for plan in lines.taken():
        assert {"media_pkey", "blob_pkey"} <= plan.indexes
        assert "media" not in plan.scanned


def assert_read(plan: Plan, index: str) -> None:
    """From the index in its order, so that the limit ends it."""
    assert any(index in name for name in plan.indexes), plan.nodes
    assert "Sort" not in plan.kinds, plan.nodes
    assert "media" not in plan.scanned, plan.nodes
