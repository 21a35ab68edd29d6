"""Blocking work on its own threads, which ends soon after its caller is cancelled."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from backend.domain.patience import UNHURRIED

Result = TypeVar("Result")


class TransferStopped(BaseException):
    """The work is no longer awaited.

    Like `asyncio.CancelledError` it is no `Exception`: the libraries that the work is
    calling would take an `Exception` for a broken connection and retry.
    """


class Stop:
    """Tells running work to end."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        self._asked.set()

    def check(self) -> None:
        """Raises `TransferStopped` if the work must end."""
        if self._asked.is_set():
            raise TransferStopped


class DaemonThreads:
    """A bounded pool like `ThreadPoolExecutor`, which the end of a process does not
    await.

    A thread may hang in a store that is silent for as long as the store's client has
    patience; a worker that was told to stop ends long before.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            SimpleQueue()
        )
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._count = 0
        self._closed = False

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Raises `RuntimeError` once the pool is closed."""
        future: Future[Result] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("The threads have been closed.")
            self._work.put((future, work))
            if self._count < self._most and not self._idle.acquire(blocking=False):
                self._count += 1
                self._start(self._count)
        return future

    def close(self) -> None:
        """Begin nothing more; work that has not begun is cancelled."""
        with self._lock:
            self._closed = True
            while not self._work.empty():
                if (item := self._work.get()) is not None:
                    item[0].cancel()
            for _ in range(self._count):
                self._work.put(None)

    def _start(self, number: int) -> None:
        name = f"{self._name}-{number}"
        threading.Thread(target=self._live, name=name, daemon=True).start()

    def _live(self) -> None:
        while (item := self._work.get()) is not None:
            self._do(*item)
            del item
            self._idle.release()

    @staticmethod
    def _do(future: Future[Any], work: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            future.set_exception(error)
        else:
            future.set_result(result)


class StoppableThreads:
    """A bounded pool; `run` hands the work a `Stop` that it must check often.

    Log lines of the work name the request of its caller.
    """

    # How long a cancelled caller waits for its work to end before it goes on; dramatiq
    # gives an interrupted attempt one second for everything. A caller cancelled
    # unhurried waits to the end: a client's own timeouts bound what it is in the middle
    # of.
    GRACE_SECONDS: Final = 0.5

    def __init__(self, name: str, most: int) -> None:
        self._threads = DaemonThreads(name, most)

    async def run(
        self,
        work: Callable[[Stop], Result],
        discard: Callable[[Result], None] = lambda result: None,
    ) -> Result:
        """Run the work on a thread; `discard` gets a result that came too late."""
        stop = Stop()
        future = self._threads.submit(partial(copy_context().run, work, stop))
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError as error:
            stop.ask()
            future.add_done_callback(lambda done: self._dispose(done, discard))
            waiting.add_done_callback(self._retrieve)
            if not future.cancel():
                grace = None if UNHURRIED in error.args else self.GRACE_SECONDS
                await asyncio.wait({waiting}, timeout=grace)
            raise

    def close(self) -> None:
        self._threads.close()

    @staticmethod
    def _retrieve(done: asyncio.Future[Any]) -> None:
        """Errors of work that is no longer awaited are not logged."""
        if not done.cancelled():
            done.exception()

    @staticmethod
    def _dispose(done: Future[Result], discard: Callable[[Result], None]) -> None:
        if not done.cancelled() and done.exception() is None:
            discard(done.result())
