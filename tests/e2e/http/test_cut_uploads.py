"""Clients that leave in the middle of an upload: at any byte, in any way, at any time."""

import os
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from backend.domain.jobs import INGEST_JOBS
from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.raw_upload import VIDEO, RawClient, RawUpload
from tests.e2e.remains import Remains
from tests.e2e.videos import Videos
from tests.fakes.uploads import BOUNDARY, Multipart

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

CLEAN_SECONDS = 30.0


class Leave:
    """How a client can be gone."""

    @staticmethod
    def politely(connection: socket.socket) -> None:
        """FIN, as from a program that ended."""
        connection.close()

    @staticmethod
    def abruptly(connection: socket.socket) -> None:
        """RST, as from a machine that knows nothing of the connection any more."""
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()


WAYS = [Leave.politely, Leave.abruptly]
Way = Callable[[socket.socket], None]


class Descriptors:
    """The open files and connections of the API process, without its pools.

    Those to Redis, and to PostgreSQL over its local socket, grow up to bounds of their
    own when many uploads end at once.
    """

    def __init__(self, pid: int, redis_port: int) -> None:
        self._process = psutil.Process(pid)
        self._redis_port = redis_port
        self._before = self._count()

    def until_given_back(self, seconds: float) -> None:
        def are_back() -> bool:
            return self._count() <= self._before

        until(are_back, seconds, "no descriptor is left open")

    def _count(self) -> int:
        connections = self._process.net_connections("tcp")
        pooled = [one for one in connections if self._redis_port in one.raddr[1:]]
        local = self._process.net_connections("unix")
        return self._process.num_fds() - len(pooled) - len(local)


@pytest.fixture(scope="module")
def warm(stack: EmbeddedStack, videos: Videos) -> None:
    """All threads of the API have their connections to the stores from now on."""
    with Client(stack).signed_in("media_operator") as client:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: client.http.get("/auth/me/"), range(64)))
        client.until_done(client.upload(videos.new()).json()["uuid"])


@pytest.fixture
def descriptors(stack: EmbeddedStack, warm: None) -> Descriptors:
    pid = stack.pid("api")
    assert pid is not None
    redis_port = urlsplit(stack.servers.environment()["REDIS_URL"]).port
    assert redis_port is not None
    return Descriptors(pid, redis_port)


class Places:
    """Where a request is cut."""

    RANDOM = 200
    # Around what the parsers of HTTP and multipart look for.
    MARKS = (b"\r\n", b": ", BOUNDARY.encode(), b"ftyp", b"moov", b"mdat")

    @classmethod
    def anywhere(cls, request: bytes) -> list[int]:
        places = random.Random(7).sample(range(1, len(request)), cls.RANDOM)
        return sorted({*places, *cls.marked(request)})

    @classmethod
    def marked(cls, request: bytes) -> list[int]:
        """Never the end, where nothing is missing any more."""
        last = len(request) - 1
        places = {1, 2, last - 2, last - 1, last}
        for mark in cls.MARKS:
            places.update(cls._around(request, mark))
        return sorted(place for place in places if 0 < place <= last)

    @staticmethod
    def _around(request: bytes, mark: bytes) -> Iterator[int]:
        at = request.find(mark)
        while at != -1:
            yield from (at - 1, at, at + 1, at + len(mark) - 1, at + len(mark))
            at = request.find(mark, at + 1)


class ServerSide:
    """The other end of a connection on this machine, as the kernel knows it."""

    TABLE = Path("/proc/net/tcp")

    @classmethod
    def until_read(cls, connection: socket.socket) -> None:
        """Until the server has taken all that was sent out of its receive queue."""
        port, client = connection.getpeername()[1], connection.getsockname()[1]
        ends = f"0100007F:{port:04X} 0100007F:{client:04X} 01 "

        deadline = time.monotonic() + CLEAN_SECONDS
        while not cls._is_read(ends):
            assert time.monotonic() < deadline, "what was sent is not read"
            time.sleep(0.0005)

    @classmethod
    def _is_read(cls, ends: str) -> bool:
        _, found, rest = cls.TABLE.read_text().partition(ends)
        return bool(found) and rest.split(" ")[0].endswith(":00000000")


class TestCutAnywhere:
    @pytest.fixture
    def request_bytes(self, raw: RawClient, videos: Videos) -> bytes:
        parts = Multipart().field("title", "Cut").field("description", "Somewhere")
        upload = RawUpload(parts.video(videos.new().read_bytes()).body())
        return upload.request(raw.authorization())

    @pytest.mark.parametrize("leave", WAYS)
    def test_before_the_server_has_looked(
        self,
        raw: RawClient,
        remains: Remains,
        descriptors: Descriptors,
        request_bytes: bytes,
        leave: Way,
    ) -> None:
        for place in Places.anywhere(request_bytes):
            connection = raw.connection()
            connection.sendall(request_bytes[:place])
            leave(connection)

        remains.until_nothing(CLEAN_SECONDS)
        descriptors.until_given_back(CLEAN_SECONDS)

    @pytest.mark.parametrize("leave", WAYS)
    def test_when_the_server_waits_for_the_next_byte(
        self,
        raw: RawClient,
        remains: Remains,
        descriptors: Descriptors,
        request_bytes: bytes,
        leave: Way,
    ) -> None:
        for place in Places.marked(request_bytes):
            connection = raw.connection()
            connection.sendall(request_bytes[:place])
            ServerSide.until_read(connection)
            leave(connection)

        remains.until_nothing(CLEAN_SECONDS)
        descriptors.until_given_back(CLEAN_SECONDS)


class TestLastByte:
    """The client leaves when nothing is missing any more."""

    CLIENTS = 4

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("leave", WAYS)
    @pytest.mark.parametrize(
        ("times", "seconds"),
        [(30, 0.02), pytest.param(200, 0.5, marks=pytest.mark.faults)],
    )
    def test_each_is_a_media_with_its_jobs_or_nothing(
        self,
        stack: EmbeddedStack,
        raw: RawClient,
        remains: Remains,
        descriptors: Descriptors,
        leave: Way,
        times: int,
        seconds: float,
    ) -> None:
        chance = random.Random(11)

        def send(after: float) -> None:
            connection = self._sent(raw, os.urandom(16))
            time.sleep(after)
            leave(connection)

        with ThreadPoolExecutor(self.CLIENTS) as pool:
            list(pool.map(send, [chance.uniform(0, seconds) for _ in range(times)]))

        descriptors.until_given_back(CLEAN_SECONDS)
        media = remains.rows("media")
        assert len(remains.rows("blob")) == len(media)
        assert len(remains.rows("job")) == len(INGEST_JOBS) * len(media)
        with Client(stack).signed_in("viewer") as viewer:
            for uuid in media:
                assert set(viewer.jobs(uuid)) == {str(kind) for kind in INGEST_JOBS}
                # What follows the bytes can be played by nobody.
                assert viewer.until_done(uuid)["status"] == "failed"
        until(lambda: not remains.files(), CLEAN_SECONDS, "staging is empty")

    @pytest.mark.parametrize("leave", WAYS)
    def test_while_the_transaction_runs(
        self,
        stack: EmbeddedStack,
        raw: RawClient,
        remains: Remains,
        descriptors: Descriptors,
        database: psycopg.Connection[Any],
        leave: Way,
    ) -> None:
        with self._held(database):
            connection = self._sent(raw, os.urandom(16))
            self._until_waiting(database)
            leave(connection)
        until(lambda: bool(remains.rows("media")), CLEAN_SECONDS, "it is committed")

        (uuid,) = remains.rows("media")
        assert len(remains.rows("job")) == len(INGEST_JOBS)
        with Client(stack).signed_in("viewer") as viewer:
            assert viewer.until_done(uuid)["status"] == "failed"
        descriptors.until_given_back(CLEAN_SECONDS)

    @staticmethod
    def _sent(raw: RawClient, content: bytes) -> socket.socket:
        upload = RawUpload(Multipart().video(VIDEO + content).body())
        connection = raw.connection()
        connection.sendall(upload.request(raw.authorization()))
        return connection

    @staticmethod
    @contextmanager
    def _held(database: psycopg.Connection[Any]) -> Iterator[None]:
        """Every ingest waits in the block: it locks its user first."""
        with database.transaction():
            database.execute('SELECT FROM "user" FOR UPDATE')
            yield

    @staticmethod
    def _until_waiting(database: psycopg.Connection[Any]) -> None:
        waits = "SELECT FROM pg_locks WHERE NOT granted"
        waiting = lambda: bool(database.execute(waits).fetchall())  # noqa: E731
        until(waiting, CLEAN_SECONDS, "the transaction runs")
