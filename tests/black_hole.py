"""A server that takes connections and never answers."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_TAKEN = socket.socket()


class BlackHole:
    """Takes connections and never says a word."""

    @staticmethod
    @contextmanager
    def open() -> Iterator[int]:
        """Gives the port."""
        with socket.create_server(("127.0.0.1", 0), backlog=64) as hole:
            yield int(hole.getsockname()[1])

    @staticmethod
    @cache
    def refusing_port() -> int:
        """A port where nobody listens, nor will while these tests run: it is taken."""
        _TAKEN.bind(("127.0.0.1", 0))
        return int(_TAKEN.getsockname()[1])

    @staticmethod
    def closed_port() -> int:
        """A port where nobody listens yet: for a server of a test."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
