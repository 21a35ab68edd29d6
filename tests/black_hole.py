"""A server that takes connections and never answers."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


class BlackHole:
    """Takes connections and never says a word."""

    @staticmethod
    @contextmanager
    def open() -> Iterator[int]:
        """Gives the port."""
        with socket.create_server(("127.0.0.1", 0), backlog=64) as hole:
            yield int(hole.getsockname()[1])

    @staticmethod
    def closed_port() -> int:
        """A port where nobody listens."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
