import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bench.measures import PingFailed, Pings

STALL_SECONDS = 0.3


class Pinged(BaseHTTPRequestHandler):
    """Keeps its connection; what it does with one ping in the middle is its own."""

    protocol_version = "HTTP/1.1"
    asked = 0
    ODD_ONE = 5

    def do_GET(self) -> None:
        type(self).asked += 1
        if self.asked == self.ODD_ONE:
            self.be_odd()
        else:
            self.answer(200)

    def be_odd(self) -> None:
        self.answer(200)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


class Stalling(Pinged):
    def be_odd(self) -> None:
        time.sleep(STALL_SECONDS)
        self.answer(200)


class Refusing(Pinged):
    def be_odd(self) -> None:
        self.answer(503)


class Breaking(Pinged):
    def be_odd(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def running(handler: type[Pinged]) -> Iterator[str]:
    handler.asked = 0
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def until_odd(handler: type[Pinged]) -> None:
    deadline = time.monotonic() + 60
    while handler.asked < Pinged.ODD_ONE:
        assert time.monotonic() < deadline
        time.sleep(0.005)


class TestPings:
    def test_stall_is_seen_by_all_that_were_due(self) -> None:
        with running(Stalling) as url, Pings(url) as pings:
            time.sleep(1.0)
        due_meanwhile = STALL_SECONDS / Pings.PAUSE_SECONDS
        late = [ms for ms in pings.milliseconds if ms > STALL_SECONDS * 1000 / 2]
        assert len(late) >= due_meanwhile / 2
        assert pings.percentile(90) > STALL_SECONDS * 1000 / 3

    def test_stall_at_the_end_is_seen_too(self) -> None:
        with running(Stalling) as url:
            began = time.perf_counter()
            with Pings(url) as pings:
                time.sleep(Pinged.ODD_ONE * Pings.PAUSE_SECONDS + STALL_SECONDS / 2)
                seconds = time.perf_counter() - began
        count = len(pings.milliseconds)
        assert count > STALL_SECONDS / 2 / Pings.PAUSE_SECONDS
        # What is due after the end is nobody's.
        assert count <= seconds / Pings.PAUSE_SECONDS + 2
        assert pings.percentile(50) > STALL_SECONDS * 1000 / 4

    @pytest.mark.parametrize(
        ("handler", "failure"),
        [(Refusing, PingFailed), (Breaking, (OSError, HTTPException))],
    )
    def test_ping_without_a_good_answer_is_raised(
        self,
        handler: type[Pinged],
        failure: type[Exception] | tuple[type[Exception], ...],
    ) -> None:
        with pytest.raises(failure), running(handler) as url, Pings(url):
            until_odd(handler)

    def test_what_failed_meanwhile_is_not_hidden(self) -> None:
        with running(Refusing) as url, pytest.raises(KeyError, match="an upload"):
            self._upload_beside(url)

    @staticmethod
    def _upload_beside(url: str) -> None:
        with Pings(url):
            until_odd(Refusing)
            raise KeyError("an upload")
