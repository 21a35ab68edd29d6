"""Threads and errors of all work on the disk of the staging folder."""

import asyncio
import errno
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import structlog

from backend.domain.errors import StagingAway, StorageFull

Result = TypeVar("Result")

_LOG = structlog.get_logger(__name__)


class DiskErrors:
    """Tells a full disk from a broken one."""

    # EFBIG: the file outgrows what the filesystem or the process may have.
    _FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

    @classmethod
    @contextmanager
    def translated(cls, folder: str = "staging folder") -> Iterator[None]:
        """Raises `StorageFull` or `StagingAway`."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if error.errno in cls._FULL:
                raise StorageFull(f"The {folder} is full: {reason}.") from error
            _LOG.error("staging.failed", error=str(error))
            raise StagingAway(f"The {folder} failed: {reason}.") from error


class DiskThreads:
    """Runs blocking work on its own threads; work that has begun is always finished."""

    def __init__(self, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="staging")

    async def run(self, work: Callable[[], Result]) -> Result:
        """A cancelled caller returns at once, but the work is still done."""
        done = self._executor.submit(work)
        return await asyncio.shield(asyncio.wrap_future(done))

    async def run_until_told(
        self, work: Callable[[Callable[[], object]], object]
    ) -> None:
        """As `run`, but waits only until the work signals it, or ends."""
        told: Future[None] = Future()
        tell = functools.partial(told.set_result, None)
        done = self._executor.submit(work, tell)
        done.add_done_callback(lambda _: told.done() or tell())
        await asyncio.shield(asyncio.wrap_future(told))

    async def obtain(
        self, work: Callable[[], Result], give_back: Callable[[Result], object]
    ) -> Result:
        """As `run`; a result that is no longer awaited is discarded."""
        done = self._executor.submit(work)
        try:
            return await asyncio.shield(asyncio.wrap_future(done))
        except asyncio.CancelledError:
            done.add_done_callback(functools.partial(self._return, give_back))
            raise

    def close(self) -> None:
        """Wait for running work and end the threads."""
        self._executor.shutdown()

    @staticmethod
    def _return(give_back: Callable[[Result], object], done: Future[Result]) -> None:
        if done.exception() is None:
            give_back(done.result())
