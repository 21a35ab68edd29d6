"""Threads that every worker process runs beside its actors."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event, Thread
from typing import Any

import dramatiq
import structlog
from dramatiq import Middleware, Worker

from backend.domain.errors import Unavailable

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


class PeriodicThread:
    """Does its work every few seconds until it is stopped, on a loop of its own.

    If a store is away it tries again. `close` closes, on that loop, what was opened on
    it.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        interval_seconds: float,
        close: Work | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._close = close
        self._interval_seconds = interval_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopped.set()

    def stop(self) -> None:
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(self._interval_seconds)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while not self._stopped.is_set():
                runner.run(self._do(self._work))
                self._stopped.wait(self._interval_seconds)
            if self._close is not None:
                runner.run(self._do(self._close))

    async def _do(self, work: Work) -> None:
        try:
            await work()
        except Unavailable as error:
            log.warning("periodic.skipped", thread=self._name, reason=str(error))
        # Nothing may end this thread: nothing else does its work in this process.
        except Exception:
            log.exception("periodic.crashed", thread=self._name)


class PeriodicMiddleware(Middleware):
    """Starts the threads once the worker is up, and stops them first when it ends."""

    def __init__(self, *threads: PeriodicThread) -> None:
        self._threads = threads

    def after_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        for thread in self._threads:
            thread.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:
        for thread in self._threads:
            thread.ask_to_stop()
        for thread in self._threads:
            thread.stop()
