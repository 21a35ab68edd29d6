"""How received files are handed over to the rows that name them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from backend.domain.errors import CommitUnknown, MediaProjectError
from backend.use_cases.ports import IncomingFile

R = TypeVar("R")


class Handover:
    """Sees transactions through that decide about received files."""

    def __init__(self) -> None:
        # The loop itself does not hold on to a task whose request has left.
        self._running: set[asyncio.Task[Any]] = set()

    async def see_through(self, work: Coroutine[Any, Any, R]) -> R:
        """A transaction goes on when its request is cancelled, so the work does too."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    @classmethod
    @asynccontextmanager
    async def undecided(cls, *files: IncomingFile | None) -> AsyncIterator[None]:
        """Ends the files when the block fails; else they are its caller's to end."""
        try:
            yield
        except BaseException as error:
            is_refused = cls._is_refusal(error)
            for file in filter(None, files):
                await (file.discard() if is_refused else file.keep())
            raise

    @staticmethod
    def _is_refusal(error: BaseException) -> bool:
        """Only then is it known that nothing was committed.

        A process that stops cancels this while the commit may still happen, and what
        nobody foresaw may come after it. A file without a row is removed some day, a
        row without a file is lost.
        """
        refused = isinstance(error, MediaProjectError)
        return refused and not isinstance(error, CommitUnknown)
