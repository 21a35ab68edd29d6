"""Reads that are awaited, on a real PostgreSQL that goes away in several ways."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from psycopg import ProgrammingError

from backend.domain.errors import DatabaseAway, DatabaseSilent
from backend.domain.patience import Patience
from backend.orm.database_line import Statement
from backend.orm.database_lines import DatabaseLines

pytestmark = pytest.mark.usefixtures("clean_database")

SIZE = 3
NAME = "lines of a test"
PID = Statement("SELECT pg_backend_pid()")
SLEEP = Statement("SELECT pg_sleep($1)::text")
ECHO = Statement("SELECT $1::text", prepared=True)
END_ITSELF = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
WRONG = Statement("SELECT nothing_of_the_kind")
MANY = Statement("SELECT repeat('x', $1::int) FROM generate_series(1, $2::int)")


def first(row: Sequence[Any]) -> Any:
    return row[0]


class Backends:
    """Those that serve a `DatabaseLines`."""

    _OURS = """
        FROM pg_stat_activity
        WHERE application_name = 'lines of a test' AND pid <> pg_backend_pid()
    """

    @classmethod
    async def count(cls) -> int:
        return await cls._ask(f"SELECT count(*) {cls._OURS}")

    @classmethod
    async def until_at_most(cls, most: int) -> None:
        async with asyncio.timeout(60):
            while await cls.count() > most:  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(0.01)

    @classmethod
    async def end_all(cls) -> int:
        """Wait until they are gone; returns how many there were."""
        ended = f"SELECT count(pg_terminate_backend(pid, 5000)) {cls._OURS}"
        return await cls._ask(ended)

    @staticmethod
    @sync_to_async
    def _ask(query: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.fetchone()[0])


@pytest.fixture
async def lines() -> AsyncIterator[DatabaseLines]:
    lines = DatabaseLines(SIZE, application_name=NAME)
    yield lines
    await lines.close()


class TestConnections:
    async def test_their_number_stays_flat(self, lines: DatabaseLines) -> None:
        for _ in range(5):
            asked = (lines.rows(PID, make=first) for _ in range(50))
            pids = {pid for [pid] in await asyncio.gather(*asked)}
            assert len(pids) <= SIZE
        assert 0 < await Backends.count() <= SIZE

    async def test_one_after_the_other_share_one(self, lines: DatabaseLines) -> None:
        assert len({(await lines.rows(PID, make=first))[0] for _ in range(10)}) == 1

    async def test_reads_go_on_when_the_server_has_ended_all(
        self, lines: DatabaseLines
    ) -> None:
        await asyncio.gather(*(lines.rows(SLEEP, 0.05, make=first) for _ in range(3)))
        assert await Backends.end_all() == SIZE
        asked = (lines.rows(ECHO, "there", make=first) for _ in range(SIZE))
        assert await asyncio.gather(*asked) == [["there"]] * SIZE

    async def test_a_lost_one_is_told_and_replaced(self, lines: DatabaseLines) -> None:
        assert await lines.rows(ECHO, "before", make=first) == ["before"]
        with pytest.raises(DatabaseAway) as raised:
            await lines.rows(END_ITSELF, make=first)
        assert not isinstance(raised.value, DatabaseSilent)
        assert await lines.rows(ECHO, "after", make=first) == ["after"]

    async def test_closing_ends_them(self, lines: DatabaseLines) -> None:
        await asyncio.gather(*(lines.rows(SLEEP, 0.05, make=first) for _ in range(3)))
        assert await Backends.count() == SIZE
        await lines.close()
        # A backend ends a moment after its client has said goodbye.
        await Backends.until_at_most(0)

    async def test_a_server_that_is_not_there_is_told_each_time(self) -> None:
        lines = DatabaseLines(SIZE, host="127.0.0.1", port=1)
        for _ in range(SIZE + 1):
            with pytest.raises(DatabaseAway):
                await lines.rows(PID, make=first)


class TestReads:
    async def test_values_come_back_as_they_went(self, lines: DatabaseLines) -> None:
        for value in ("", 'it\'s "quoted" \\ %s $1', "ß🎬\n\t", "x" * 1_000_000):
            for _ in range(2):
                assert await lines.rows(ECHO, value, make=first) == [value]
        assert await lines.rows(ECHO, None, make=first) == [None]

    async def test_an_answer_may_be_long(self, lines: DatabaseLines) -> None:
        rows = await lines.rows(MANY, 10_000, 500, make=first)
        assert len(rows) == 500
        assert set(rows) == {"x" * 10_000}

    async def test_a_statement_that_is_wrong_is_our_fault(
        self, lines: DatabaseLines
    ) -> None:
        with pytest.raises(ProgrammingError):
            await lines.rows(WRONG, make=first)
        assert await lines.rows(ECHO, "on", make=first) == ["on"]

    async def test_the_server_gives_up_before_we_do(self, lines: DatabaseLines) -> None:
        limit = Statement("SELECT set_config('statement_timeout', '50', false)")
        await lines.rows(limit, make=first)
        with pytest.raises(DatabaseAway) as raised:
            await lines.rows(SLEEP, 5, make=first)
        assert "statement timeout" in str(raised.value.__cause__)
        assert await lines.rows(ECHO, "on", make=first) == ["on"]

    async def test_times_are_in_utc_and_the_limits_are_those_of_django(
        self, lines: DatabaseLines
    ) -> None:
        shown = Statement("SELECT current_setting($1)")
        for name, value in (("TimeZone", "UTC"), ("statement_timeout", "3500ms")):
            assert await lines.rows(shown, name, make=first) == [value]


class TestPatience:
    async def test_a_server_that_says_nothing_is_not_waited_for(self) -> None:
        lines = DatabaseLines(1, answer_seconds=1.0)
        with pytest.raises(DatabaseSilent):
            await lines.rows(SLEEP, 3, make=first)
        # Another line takes its place at once.
        assert await lines.rows(ECHO, "on", make=first) == ["on"]
        await lines.close()

    async def test_one_that_no_line_is_free_for_is_refused(self) -> None:
        lines = DatabaseLines(1, patience_seconds=0.1)
        slow = asyncio.create_task(lines.rows(SLEEP, 1.5, make=first))
        await asyncio.sleep(0.05)
        late = [lines.rows(PID, make=first) for _ in range(5)]
        results = await asyncio.gather(*late, return_exceptions=True)
        assert [type(result) for result in results] == [DatabaseAway] * 5
        await slow
        assert await lines.rows(ECHO, "on", make=first) == ["on"]
        await lines.close()

    async def test_a_waiting_one_goes_on_when_a_line_is_free(
        self, lines: DatabaseLines
    ) -> None:
        slow = (lines.rows(SLEEP, 0.05, make=first) for _ in range(SIZE * 3))
        assert await asyncio.gather(*slow) == [[""]] * SIZE * 3

    async def test_all_of_one_request_together_wait_no_longer_than_it_may(
        self, lines: DatabaseLines
    ) -> None:
        await lines.rows(PID, make=first)
        began = time.monotonic()
        with Patience.of_request(1.0):
            assert await lines.rows(ECHO, "quick", make=first) == ["quick"]
            with pytest.raises(DatabaseSilent):
                await lines.rows(SLEEP, 3, make=first)
            with pytest.raises(DatabaseAway):
                await lines.rows(PID, make=first)
        assert 1.0 <= time.monotonic() - began < 2.8

    async def test_whoever_leaves_costs_no_line_and_no_answer(
        self, lines: DatabaseLines
    ) -> None:
        for number in range(30):
            slow = [
                asyncio.create_task(lines.rows(SLEEP, 0.01, make=first))
                for _ in range(SIZE * 2)
            ]
            await asyncio.sleep(0.003)
            for task in slow[:-1]:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            asked = [str((number, n)) for n in range(SIZE * 2)]
            answers = [lines.rows(ECHO, text, make=first) for text in asked]
            assert await asyncio.gather(*answers) == [[text] for text in asked]
        # What was left is ended by the server when it sees that nobody is there.
        await Backends.until_at_most(SIZE)
