"""What is looked at while something runs."""

import http.client
import math
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class PingFailed(Exception):
    """A ping was answered otherwise than with 200."""


class Pings:
    """A `/ping/` is due every 5 ms, on a connection of its own.

    Each is measured from when it was due, in milliseconds: what stalls keeps all waiting
    that are due meanwhile, and each of them counts. They are answered with the one that
    was asked, for asked one after the other they would wait for each other too.
    """

    PAUSE_SECONDS = 0.005
    PATIENCE_SECONDS = 60.0

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=self.PATIENCE_SECONDS
        )
        self._stopped = threading.Event()
        self._end = math.inf
        self._thread = ThreadPoolExecutor(1)
        self._asking: Future[None]
        self.milliseconds: list[float] = []

    def __enter__(self) -> Self:
        self._asking = self._thread.submit(self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raises `PingFailed`, `OSError` and `HTTPException` if a ping was not answered,
        unless there is an error already."""
        self._end = time.perf_counter()
        self._stopped.set()
        self._thread.shutdown()
        self._connection.close()
        self.milliseconds.sort()
        if error is None:
            self._asking.result()

    def percentile(self, percent: float) -> float:
        """Raises `RuntimeError` when nothing was answered."""
        if not self.milliseconds:
            raise RuntimeError("no ping was answered")
        last = len(self.milliseconds) - 1
        return self.milliseconds[min(last, int(last * percent / 100))]

    def _ask(self) -> None:
        due = time.perf_counter() + self.PAUSE_SECONDS
        while not self._stopped.wait(max(0.0, due - time.perf_counter())):
            self._ping()
            answered = time.perf_counter()
            while due <= min(answered, self._end):
                self.milliseconds.append((answered - due) * 1000)
                due += self.PAUSE_SECONDS

    def _ping(self) -> None:
        self._connection.request("GET", "/ping/")
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise PingFailed(f"a ping was answered {answer.status}")
