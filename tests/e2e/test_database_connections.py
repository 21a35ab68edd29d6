"""However much is asked and done, the number of PostgreSQL connections stays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.videos import Videos

# `DatabaseThreads` has eight threads in each process, each with one connection.
MOST_PER_PROCESS = 8
# That of each worker for comparing the stores, and the `DatabaseLines` of the API.
BESIDES = 2 + 8
# The API and the two workers of a stack.
PROCESSES = 3


class Backends:
    """Counts the connections of API and worker, on one of its own."""

    _COUNT = """
        SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    """

    def __init__(self, connection: psycopg.Connection[tuple[int]]) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def of(cls, stack: EmbeddedStack) -> Iterator["Backends"]:
        url = stack.servers.environment()["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as connection:
            yield cls(connection)

    def count(self) -> int:
        row = self._connection.execute(self._COUNT).fetchone()
        assert row is not None
        return row[0]


class TestDatabaseConnections:
    def test_requests_and_messages_leave_it_flat(
        self, stack: EmbeddedStack, operator: Client, videos: Videos
    ) -> None:
        with Backends.of(stack) as backends:
            for _ in range(3):
                self._work(operator, videos)
                most = PROCESSES * MOST_PER_PROCESS + BESIDES
                assert 0 < backends.count() <= most

    @staticmethod
    def _work(operator: Client, videos: Videos) -> None:
        """Many requests at once, and jobs enough for every thread of the worker."""
        clips = [videos.new() for _ in range(12)]
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(operator.upload, clips))
            list(pool.map(lambda _: operator.http.get("/media/"), range(100)))
        for answer in answers:
            operator.until_done(answer.json()["uuid"])
