"""The sweeper thread that every worker process runs beside its actors."""

import asyncio
from threading import Event, Thread
from typing import Any

import dramatiq
import structlog
from dramatiq import Middleware, Worker

from backend.domain.errors import Unavailable
from backend.use_cases.sweep_jobs import SweepJobs

log = structlog.get_logger(__name__)


class Sweeper:
    """Sweeps every few seconds until it is stopped; a store that is away is waited for.

    It is a thread and never a message, for a message is what may get lost.
    """

    def __init__(self, sweep_jobs: SweepJobs, interval_seconds: float) -> None:
        self._sweep_jobs = sweep_jobs
        self._interval_seconds = interval_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(self._interval_seconds)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            while not self._stopped.is_set():
                runner.run(self._sweep())
                self._stopped.wait(self._interval_seconds)

    async def _sweep(self) -> None:
        try:
            await self._sweep_jobs.execute()
        except Unavailable as error:
            log.warning("sweep.skipped", reason=str(error))
        # Nothing may end this thread: without it lost messages stay lost.
        except Exception:
            log.exception("sweep.crashed")


class SweeperMiddleware(Middleware):
    """Starts the sweeper once the worker is up, and stops it first when it ends."""

    def __init__(self, sweeper: Sweeper) -> None:
        self._sweeper = sweeper

    def after_worker_boot(self, broker: dramatiq.Broker, worker: Worker) -> None:
        self._sweeper.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: Any) -> None:
        self._sweeper.stop()
