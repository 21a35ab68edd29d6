"""How received files are handed over to the rows that name them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from backend.domain.errors import CommitUnknown, MediaProjectError
from backend.use_cases.ports import IncomingFile

R = TypeVar("R")


class Handover:
    """Runs transactions that decide about received files to their end."""

    def __init__(self) -> None:
        # The loop itself keeps no reference to a task whose request has left.
        self._running: set[asyncio.Task[Any]] = set()

    async def see_through(self, work: Coroutine[Any, Any, R]) -> R:
        """A transaction continues when its request is cancelled, so the work does
        too."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    @classmethod
    @asynccontextmanager
    async def undecided(cls, *files: IncomingFile | None) -> AsyncIterator[None]:
        """Ends the files if the block fails; otherwise the caller ends them."""
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

        A stopping process cancels this while the commit may still happen, and an
        unforeseen error may come after it. A file without a row is removed later, but a
        row without a file is lost.
        """
        refused = isinstance(error, MediaProjectError)
        return refused and not isinstance(error, CommitUnknown)
