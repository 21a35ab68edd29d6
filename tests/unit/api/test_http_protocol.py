import socket
import time

import psutil
import pytest

from tests.raw_http import RawHttp
from tests.uvicorn_process import UvicornProcess

MEBIBYTE = 1024 * 1024
LINE = b"GET /ping/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CHUNKED = (
    b"POST /probe/echo/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)


class Flood:
    """Sends until the server has had enough."""

    @staticmethod
    def send(connection: socket.socket, start: bytes, piece: bytes) -> int:
        sent = 0
        try:
            connection.sendall(start)
            while sent < 64 * MEBIBYTE:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        return sent


class TestEndlessHeads:
    @pytest.mark.parametrize(
        ("start", "piece"),
        [
            (b"GET /", b"a" * 65_536),
            (LINE + b"X-Long: ", b"a" * 65_536),
            (LINE, b"X-Many: a\r\n" * 5_000),
            (CHUNKED + b"0\r\nX-Trailer: ", b"a" * 65_536),
            (CHUNKED + b"1;extension=", b"a" * 65_536),
        ],
        ids=["address", "header", "headers", "trailer", "chunk extension"],
    )
    def test_they_fill_no_memory(
        self, probe: UvicornProcess, start: bytes, piece: bytes
    ) -> None:
        process = psutil.Process(probe.pid)
        before = process.memory_info().rss
        with probe.connect() as connection:
            sent = Flood.send(connection, start, piece)
        assert sent < 32 * MEBIBYTE
        assert process.memory_info().rss - before < 16 * MEBIBYTE

    def test_they_are_answered_by_a_problem(self, probe: UvicornProcess) -> None:
        with probe.connect() as connection:
            head = LINE + b"X-Long: " + b"a" * 140_000
            answer = RawHttp.exchange(connection, head)
        assert (answer.status, answer.json()["code"]) == (400, "malformed_request")


class TestSlowHeads:
    @pytest.mark.parametrize("sent", [b"", LINE])
    def test_the_connection_is_closed(self, probe: UvicornProcess, sent: bytes) -> None:
        started = time.monotonic()
        with probe.connect() as connection:
            connection.sendall(sent)
            assert connection.recv(1) == b""
        assert 0.9 < time.monotonic() - started < 5

    def test_also_for_a_later_request(self, probe: UvicornProcess) -> None:
        with probe.connect() as connection:
            assert RawHttp.exchange(connection, LINE + b"\r\n").status == 200
            connection.sendall(LINE)
            assert connection.recv(1) == b""

    def test_a_kept_connection_is_not_hurried(self, probe: UvicornProcess) -> None:
        with probe.connect() as connection:
            for _ in range(2):
                assert RawHttp.exchange(connection, LINE + b"\r\n").status == 200
                time.sleep(1.2)


class TestMalformedHeads:
    @pytest.mark.parametrize(
        "head",
        [
            b"nonsense\r\n\r\n",
            LINE + b"Content-Length: ten\r\n\r\n",
            LINE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            LINE + b"Content-Length: -1\r\n\r\n",
            LINE + b"Bad Name: x\r\n\r\n",
        ],
    )
    def test_are_answered_by_a_problem(
        self, probe: UvicornProcess, head: bytes
    ) -> None:
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, head)
        assert (answer.status, answer.json()["code"]) == (400, "malformed_request")
        assert answer.headers["X-Request-ID"]


class TestHttp10:
    def test_a_probe_of_a_load_balancer_names_no_host(
        self, probe: UvicornProcess
    ) -> None:
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, b"GET /health/live/ HTTP/1.0\r\n\r\n")
        assert (answer.status, answer.json()) == (200, {"status": "ok"})


class TestUnwantedBodies:
    """What is left of a body that has been answered already."""

    HEAD = (
        b"POST /probe/echo/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
    )

    def test_an_endless_one_is_not_read(self, probe: UvicornProcess) -> None:
        with probe.connect() as connection:
            answer = RawHttp.exchange(connection, self.HEAD)
            assert answer.status == 413
            assert Flood.send(connection, b"", b"a" * 65_536) < 32 * MEBIBYTE

    def test_a_slow_one_is_not_waited_for(self, probe: UvicornProcess) -> None:
        with probe.connect() as connection:
            assert RawHttp.exchange(connection, self.HEAD).status == 413
            started = time.monotonic()
            while not self._is_closed(connection):
                assert time.monotonic() - started < 5
                time.sleep(0.1)

    def test_after_a_small_one_the_connection_goes_on(
        self, probe: UvicornProcess
    ) -> None:
        body = b"a" * 2 * MEBIBYTE
        head = self.HEAD.replace(b"1073741824", str(len(body)).encode())
        with probe.connect() as connection:
            assert RawHttp.exchange(connection, head + body).status == 413
            assert RawHttp.exchange(connection, LINE + b"\r\n").status == 200

    @staticmethod
    def _is_closed(connection: socket.socket) -> bool:
        """Sends a byte, as a slow client would."""
        try:
            connection.sendall(b"a")
        except OSError:
            return True
        return False
