import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from asgiref.sync import SyncToAsync
from django.db import OperationalError, connection, connections, transaction

from backend.domain.errors import DatabaseAway, DatabaseSilent, JobOpen
from backend.domain.patience import Patience
from backend.domain.rights import BUILT_IN_ROLES
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Role
from tests.e2e.faults import until

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

SIZE = 3
ROLES = len(BUILT_IN_ROLES)


class Backends:
    """What PostgreSQL knows of the connections to the database of the tests."""

    COUNT = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND backend_type = 'client backend'
    """
    END = """
        SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND backend_type = 'client backend'
    """

    @classmethod
    def count(cls) -> int:
        return cls._ask(cls.COUNT)

    @classmethod
    def in_transaction(cls) -> int:
        return cls._ask(cls.COUNT + " AND state LIKE 'idle in%'")

    @classmethod
    def end_all(cls) -> int:
        """Wait until they are gone; returns how many there were."""
        return cls._ask(cls.END)

    @staticmethod
    def _ask(query: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.fetchone()[0])


class Units:
    """Units of work that say on which backend they ran."""

    @staticmethod
    def backend_pid() -> int:
        return Backends._ask("SELECT pg_backend_pid()")

    @staticmethod
    def is_known_to_be_healthy() -> bool:
        """If so, Django does not send its `SELECT 1` before the first statement."""
        return bool(connection.health_check_done)

    @staticmethod
    def sleep(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [seconds])

    @staticmethod
    def lose_the_connection() -> None:
        Backends._ask("SELECT pg_terminate_backend(pg_backend_pid())::int")

    @staticmethod
    def think_for_too_long() -> None:
        """Within a transaction."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 50")
            time.sleep(0.5)
            cursor.execute("SELECT 1")

    @staticmethod
    def be_demoted() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")

    @staticmethod
    def write() -> int:
        return Role.objects.update(built_in=True)

    @staticmethod
    def leave_a_transaction_open() -> None:
        connection.set_autocommit(False)
        Role.objects.update(built_in=False)

    @staticmethod
    def refuse() -> None:
        raise JobOpen


@pytest.fixture
def alone(transactional_db: None) -> None:
    """Only what a test opens is counted: whatever others have left open ends."""
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()
    Backends.end_all()
    connection.close()


@pytest.fixture
def patient_threads(alone: None) -> Iterator[DatabaseThreads]:
    threads = DatabaseThreads(SIZE)
    yield threads
    threads.close()


@pytest.fixture
def threads(alone: None) -> Iterator[DatabaseThreads]:
    threads = DatabaseThreads(SIZE, patience_seconds=1.5)
    yield threads
    threads.close()


class TestConnections:
    async def test_their_number_stays_flat(
        self, patient_threads: DatabaseThreads
    ) -> None:
        started = threading.active_count()
        for _ in range(20):
            counts = (patient_threads.run(Role.objects.count) for _ in range(20))
            await asyncio.gather(*counts)
        assert await asyncio.to_thread(self._counted) <= SIZE
        assert threading.active_count() <= started + SIZE + 1

    async def test_one_after_the_other_share_one(
        self, threads: DatabaseThreads
    ) -> None:
        pids = {await threads.run(Units.backend_pid) for _ in range(10)}
        assert len(pids) == 1

    async def test_a_unit_works_at_once_when_the_server_ended_all(
        self, threads: DatabaseThreads
    ) -> None:
        await asyncio.gather(*(threads.run(Units.sleep, 0.05) for _ in range(SIZE)))
        assert await asyncio.to_thread(self._ended) == SIZE
        counts = [threads.run(Role.objects.count) for _ in range(SIZE)]
        assert await asyncio.gather(*counts) == [ROLES] * SIZE

    async def test_a_lost_one_is_told_and_replaced(
        self, threads: DatabaseThreads
    ) -> None:
        with pytest.raises(DatabaseAway) as raised:
            await threads.run(Units.lose_the_connection)
        assert isinstance(raised.value.__cause__, OperationalError)
        assert await threads.run(Role.objects.count) == ROLES

    async def test_one_that_is_cut_within_a_transaction_is_told_and_replaced(
        self, threads: DatabaseThreads
    ) -> None:
        with pytest.raises(DatabaseAway):
            await threads.run(Units.think_for_too_long)
        assert await threads.run(Role.objects.count) == ROLES

    async def test_one_that_may_only_read_is_told_and_replaced(
        self, threads: DatabaseThreads
    ) -> None:
        """It is that of a standby; a new one may lead to the primary."""
        await threads.run(Units.be_demoted)
        assert await threads.run(Role.objects.count) == ROLES
        with pytest.raises(DatabaseAway):
            await threads.run(Units.write)
        assert await threads.run(Units.write) == ROLES

    async def test_an_open_transaction_is_not_left_to_the_next(
        self, threads: DatabaseThreads
    ) -> None:
        await threads.run(Units.leave_a_transaction_open)
        assert await asyncio.to_thread(self._in_transaction) == 0
        built_in = Role.objects.filter(built_in=True)
        assert await threads.run(built_in.count) == ROLES

    async def test_a_good_one_is_not_asked_whether_it_is(
        self, threads: DatabaseThreads
    ) -> None:
        await threads.run(Units.backend_pid)
        assert await threads.run(Units.is_known_to_be_healthy)

    async def test_closing_ends_them(self, alone: None) -> None:
        threads = DatabaseThreads(SIZE)
        await asyncio.gather(*(threads.run(Units.sleep, 0.05) for _ in range(SIZE)))
        assert await asyncio.to_thread(self._counted) == SIZE
        await asyncio.to_thread(threads.close)
        await asyncio.to_thread(self._until_none)

    @staticmethod
    def _counted() -> int:
        try:
            return Backends.count()
        finally:
            connection.close()

    @classmethod
    def _until_none(cls) -> None:
        """A backend ends a moment after its client has said goodbye."""
        until(lambda: cls._counted() == 0, 60, "they have ended")

    @staticmethod
    def _in_transaction() -> int:
        try:
            return Backends.in_transaction()
        finally:
            connection.close()

    @staticmethod
    def _ended() -> int:
        try:
            return Backends.end_all()
        finally:
            connection.close()


class TestUnits:
    async def test_errors_of_ours_pass(self, threads: DatabaseThreads) -> None:
        with pytest.raises(JobOpen):
            await threads.run(Units.refuse)

    async def test_one_that_cannot_start_in_time_is_refused(
        self, threads: DatabaseThreads
    ) -> None:
        release = threading.Event()
        busy = [asyncio.create_task(threads.run(release.wait)) for _ in range(SIZE)]
        await asyncio.sleep(0)
        late = [threads.run(Role.objects.count) for _ in range(5)]
        results = await asyncio.gather(*late, return_exceptions=True)
        waiting = threads.use.waiting
        release.set()
        await asyncio.gather(*busy)
        assert [type(result) for result in results] == [DatabaseAway] * 5
        assert waiting == 0
        counts = [threads.run(Role.objects.count) for _ in range(SIZE * 3)]
        assert await asyncio.gather(*counts) == [ROLES] * SIZE * 3

    async def test_one_that_is_not_answered_in_time_may_still_be_done(self) -> None:
        threads = DatabaseThreads(size=1, answer_seconds=0.5)
        release = threading.Event()
        with pytest.raises(DatabaseSilent):
            await threads.run(release.wait)
        release.set()
        assert await threads.run(int) == 0
        threads.close()

    async def test_all_of_one_request_together_wait_no_longer_than_it_may(self) -> None:
        threads = DatabaseThreads(size=2)
        release = threading.Event()
        began = time.monotonic()
        with Patience.of_request(1.0):
            assert await threads.run(int) == 0
            with pytest.raises(DatabaseSilent):
                await asyncio.create_task(threads.run(release.wait))
            with pytest.raises(DatabaseAway):
                await threads.run(int)
        assert 1.0 <= time.monotonic() - began < 4.0
        assert await threads.run(int) == 0
        release.set()
        threads.close()

    async def test_a_waiting_one_starts_when_a_thread_is_free(
        self, threads: DatabaseThreads
    ) -> None:
        units = [threads.run(Units.sleep, 0.05) for _ in range(SIZE * 3)]
        assert await asyncio.gather(*units) == [None] * SIZE * 3

    async def test_cancelled_waiters_cost_no_thread(
        self, threads: DatabaseThreads
    ) -> None:
        for _ in range(50):
            tasks = [
                asyncio.create_task(threads.run(Units.sleep, 0.001)) for _ in range(9)
            ]
            await asyncio.sleep(0.002)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        barrier = threading.Barrier(SIZE, timeout=5)
        together = [threads.run(barrier.wait) for _ in range(SIZE)]
        assert sorted(await asyncio.gather(*together)) == list(range(SIZE))

    async def test_one_that_has_begun_is_finished(
        self, threads: DatabaseThreads
    ) -> None:
        begun, release, done = (threading.Event() for _ in range(3))

        def unit() -> None:
            begun.set()
            release.wait(5)
            done.set()

        task = asyncio.create_task(threads.run(unit))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        release.set()
        assert await asyncio.to_thread(done.wait, 5)
