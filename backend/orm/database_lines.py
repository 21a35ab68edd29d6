"""The connections on which requests read after a cache miss."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, TypeVar

from django.db import connection
from psycopg import InterfaceError, OperationalError

from backend.domain.errors import DatabaseAway, DatabaseSilent
from backend.domain.patience import Patience
from backend.orm.database_line import DatabaseLine, Statement
from backend.use_cases.ports.metrics import PoolUse

Row = TypeVar("Row")

_LOST = (OperationalError, InterfaceError)


class DatabaseLines:
    """A bounded number of lines, each opened on first use; for one event loop.

    What a request reads is one statement, so it needs no transaction, and no thread.
    The limits are those of `DatabaseThreads`: until a line is free, until the server
    lets us in, and until it answers; a request has `Patience` for all of them together.
    A line on which anything went wrong, or whose user leaves, is not used again.
    """

    # Parameters of Django's connections that are not libpq's.
    _DJANGOS: ClassVar = frozenset({"context", "cursor_factory", "prepare_threshold"})

    def __init__(
        self,
        size: int = 8,
        patience_seconds: float = 4.0,
        answer_seconds: float = 4.5,
        **parameters: Any,
    ) -> None:
        """`parameters` of libpq override those of Django's connections."""
        self._places = asyncio.Semaphore(size)
        self._size, self._busy, self._waiting = size, 0, 0
        # The last one back goes out first: few of them do most of the work.
        self._idle: list[DatabaseLine] = []
        self._late: set[asyncio.Task[DatabaseLine]] = set()
        self._patience = patience_seconds
        self._answer_time = answer_seconds
        self._given = parameters

    async def rows(
        self,
        statement: Statement,
        *values: Any,
        make: Callable[[Sequence[Any]], Row],
    ) -> list[Row]:
        """Each row, as `make` builds it from the values of its columns.

        Raises `DatabaseAway` when no line is free in time, none can be opened, the
        connection is lost or the server gives up; `DatabaseSilent` when it does not
        answer.
        """
        await self._enter()
        self._busy += 1
        try:
            async with self._lent() as line, Patience.waiting(self._answer_time):
                return await line.rows(statement, values, make)
        except TimeoutError:
            raise DatabaseSilent from None
        except _LOST as error:
            raise DatabaseAway from error
        finally:
            self._busy -= 1
            self._places.release()

    @property
    def use(self) -> PoolUse:
        return PoolUse(self._size, self._busy, self._waiting)

    async def close(self) -> None:
        """Lines in use are closed by their users."""
        while self._idle:
            self._idle.pop().close()

    async def _enter(self) -> None:
        if Patience.is_spent():
            raise DatabaseAway
        if not self._places.locked():
            await self._places.acquire()
            return
        self._waiting += 1
        try:
            async with Patience.waiting(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise DatabaseAway("All database connections are busy.") from None
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[DatabaseLine]:
        """Closed where its user does not come to a good end."""
        line = self._left() or await self._opened()
        try:
            yield line
        except BaseException:
            line.close()
            raise
        self._idle.append(line)

    def _left(self) -> DatabaseLine | None:
        """An idle line that the server has not ended."""
        while self._idle:
            line = self._idle.pop()
            if line.is_usable:
                return line
            line.close()
        return None

    async def _opened(self) -> DatabaseLine:
        opening = asyncio.create_task(DatabaseLine.open(**self._parameters()))
        try:
            async with Patience.waiting(self._patience):
                return await asyncio.shield(opening)
        except BaseException as error:
            # A half-open connection would otherwise live until it is collected.
            self._late.add(opening)
            opening.add_done_callback(self._close_late)
            if isinstance(error, TimeoutError):
                raise DatabaseAway from None
            raise

    def _close_late(self, opening: asyncio.Task[DatabaseLine]) -> None:
        self._late.discard(opening)
        if not opening.cancelled() and opening.exception() is None:
            opening.result().close()

    def _parameters(self) -> dict[str, Any]:
        """Django's options, with which the server gives up before its clients do."""
        usual = connection.get_connection_params()
        parameters = {n: v for n, v in usual.items() if n not in self._DJANGOS}
        # As Django's connections: times come in UTC, wherever the server is.
        options = f"{parameters.get('options', '')} -c timezone=UTC"
        return {**parameters, "options": options, **self._given}
