"""The line is as bad as it was told to be, and well again afterwards."""

import socket
import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

from tests.e2e.faults import until
from tests.faults.proxy_loop import ProxyLoop
from tests.faults.tcp_proxy import TcpProxy, Upstream
from tests.ports import TestPorts

MEBIBYTE = 1024**2


class Echo(socketserver.ThreadingTCPServer):
    """Says back what it hears, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), EchoHandler)
        self.heard = b""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class EchoHandler(socketserver.BaseRequestHandler):
    server: Echo

    def handle(self) -> None:
        with suppress(ConnectionError):
            while chunk := self.request.recv(65_536):
                self.server.heard += chunk
                self.request.sendall(chunk)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as echo:
        thread = Thread(target=echo.serve_forever, args=(0.02,))
        thread.start()
        yield echo
        echo.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[TcpProxy]:
    with ProxyLoop() as loop:
        proxy = TcpProxy(loop, TestPorts().port("proxy"), Upstream(echo.port))
        proxy.start()
        yield proxy
        proxy.stop()


Connect = Callable[[], socket.socket]


@pytest.fixture
def connect(proxy: TcpProxy) -> Iterator[Connect]:
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", proxy.port), timeout=2))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def asked(connection: socket.socket, words: bytes) -> bytes:
    """What the server says to it; empty if it closes instead."""
    connection.sendall(words)
    heard = b""
    while len(heard) < len(words) and (chunk := connection.recv(65_536)):
        heard += chunk
    return heard


class TestTcpProxy:
    def test_in_good_weather_everything_comes_through(self, connect: Connect) -> None:
        line, words = connect(), bytes(range(256)) * 1024
        assert asked(line, words) == words
        assert asked(line, b"again") == b"again"

    def test_latency_delays_each_direction(
        self, proxy: TcpProxy, connect: Connect
    ) -> None:
        line = connect()
        proxy.latency(0.15)
        began = time.monotonic()
        assert asked(line, b"slow") == b"slow"
        assert 0.3 <= time.monotonic() - began < 1.0

    def test_a_reset_ends_old_and_new_connections(
        self, proxy: TcpProxy, connect: Connect
    ) -> None:
        line = connect()
        assert asked(line, b"well") == b"well"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            asked(line, b"?")
        with pytest.raises(ConnectionResetError):
            asked(connect(), b"?")
        proxy.heal()
        assert asked(connect(), b"well") == b"well"

    def test_reset_once_serves_who_comes_again(
        self, proxy: TcpProxy, connect: Connect
    ) -> None:
        line = connect()
        assert asked(line, b"well") == b"well"
        proxy.reset_once()
        with pytest.raises(ConnectionResetError):
            asked(line, b"?")
        assert asked(connect(), b"well") == b"well"

    def test_some_are_reset(self, proxy: TcpProxy, connect: Connect) -> None:
        proxy.reset_some(0.2)
        outcomes = [self._survives(connect) for _ in range(60)]
        assert 10 < outcomes.count(True) < 55

    def test_refused(self, proxy: TcpProxy, connect: Connect) -> None:
        line = connect()
        assert asked(line, b"well") == b"well"
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            connect()
        with pytest.raises(ConnectionResetError):
            asked(line, b"?")
        proxy.heal()
        assert asked(connect(), b"well") == b"well"

    def test_a_black_hole_keeps_quiet_and_then_lets_go_on(
        self, proxy: TcpProxy, connect: Connect, echo: Echo
    ) -> None:
        old = connect()
        assert asked(old, b"well") == b"well"
        proxy.black_hole()
        new = connect()
        for line in (old, new):
            line.settimeout(0.1)
            with pytest.raises(TimeoutError):
                asked(line, b"lost?")
        assert echo.heard == b"well"
        proxy.heal()
        for line in (old, new):
            line.settimeout(2)
            assert line.recv(100) == b"lost?"

    def test_cut_after_so_many_bytes(
        self, proxy: TcpProxy, connect: Connect, echo: Echo
    ) -> None:
        line = connect()
        assert asked(line, bytes(1_000)) == bytes(1_000)
        proxy.cut_after(4 * MEBIBYTE)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            line.sendall(bytes(64 * MEBIBYTE))
        assert len(echo.heard) <= 4 * MEBIBYTE + 1_000
        assert asked(connect(), b"well") == b"well"

    def test_the_kth_reply_is_lost_though_the_server_was_asked(
        self, proxy: TcpProxy, connect: Connect, echo: Echo
    ) -> None:
        line = connect()
        proxy.lose_reply(2, containing=b"put")
        assert asked(line, b"put 1") == b"put 1"
        assert asked(line, b"get 1") == b"get 1"
        assert asked(line, b"put 2") == b""
        until(lambda: echo.heard.endswith(b"put 2"), 1.0, "the server was asked")
        assert asked(connect(), b"put 3") == b"put 3"

    def test_a_server_that_is_away_is_a_broken_line(
        self, connect: Connect, echo: Echo
    ) -> None:
        echo.server_close()
        with pytest.raises(ConnectionResetError):
            asked(connect(), b"?")

    @staticmethod
    def _survives(connect: Connect) -> bool:
        try:
            return asked(connect(), b"lucky?") == b"lucky?"
        except ConnectionError:
            return False
