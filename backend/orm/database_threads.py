"""The threads on which everything that touches the ORM runs."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from select import POLLIN, poll
from typing import Any, ParamSpec, TypeVar

from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from backend.domain.errors import DatabaseAway, DatabaseSilent
from backend.domain.patience import Patience
from backend.orm.away import Away
from backend.use_cases.ports.metrics import PoolUse

P = ParamSpec("P")
T = TypeVar("T")
Work = tuple[Future[Any], Callable[[], Any]]


class ConnectionUpkeep:
    """Does for this thread's connections what Django does before and after a request.

    Whether the server has closed a connection is seen on its socket, which costs no
    round trip; Django's own health check asks `SELECT 1` every time.
    """

    def before(self) -> None:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
            if connection.connection is not None and self._is_quiet(connection):
                connection.health_check_done = True  # type: ignore[attr-defined]

    def after(self) -> None:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()

    @staticmethod
    def after_failure(error: BaseException) -> None:
        """The next connection may lead to a writable server."""
        if Away.is_read_only(error):
            connections.close_all()

    @staticmethod
    def _is_quiet(connection: BaseDatabaseWrapper) -> bool:
        """An idle connection has something to read when the server has ended it."""
        raw = connection.connection
        if raw.closed:
            return False
        socket = poll()
        socket.register(raw.fileno(), POLLIN)
        return not socket.poll(0)


class DatabaseThread:
    """One long-lived thread with its own connections.

    The thread starts with the first unit, so that building one before a fork is safe.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._upkeep = ConnectionUpkeep()
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, unit: Callable[[], T]) -> Future[T]:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._live, name=self._name, daemon=True
            )
            self._thread.start()
        future: Future[T] = Future()
        self._queue.put((future, unit))
        return future

    def close(self) -> None:
        """Let the running unit finish, then close the connections and end."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _live(self) -> None:
        while (work := self._queue.get()) is not None:
            self._do(*work)
            del work
        connections.close_all()

    def _do(self, future: Future[Any], unit: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            self._upkeep.before()
            try:
                result = unit()
            finally:
                self._upkeep.after()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            self._upkeep.after_failure(error)
            future.set_exception(error)
        else:
            future.set_result(result)


class DatabaseThreads:
    """A fixed number of database threads, lent to one unit of work at a time.

    Loops and threads may share it. A unit that has begun is always finished, even if
    its caller is cancelled. The patience is for a thread to become free, the answer
    time for a server that may have stopped answering; a request has `Patience` for all
    its units together.
    """

    def __init__(
        self,
        size: int = 8,
        patience_seconds: float = 4.0,
        answer_seconds: float = 4.5,
    ) -> None:
        self._threads = [DatabaseThread(f"database-{n}") for n in range(size)]
        # The last one back goes out first: few connections do most of the work.
        self._idle = self._threads[::-1]
        self._waiting: deque[Future[DatabaseThread]] = deque()
        self._lock = threading.Lock()
        self._patience = patience_seconds
        self._answer_time = answer_seconds

    async def run(self, unit: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one unit, usually one transaction, on a database thread.

        Raises `DatabaseAway` when no thread becomes free in time and in place of what
        Django raises when the database is `Away`: a unit that must recognise a failed
        commit catches that itself and raises one of our errors. Raises `DatabaseSilent`
        if the unit has begun but does not end in time.
        """
        thread = await self._borrow()
        work = partial(copy_context().run, unit, *args, **kwargs)
        future = thread.submit(work)
        future.add_done_callback(lambda _: self._return(thread))
        try:
            async with Patience.waiting(self._answer_time):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise DatabaseSilent from None
        except Error as error:
            if Away.is_meant_by(error):
                raise DatabaseAway from error
            raise

    @property
    def use(self) -> PoolUse:
        with self._lock:
            size, idle = len(self._threads), len(self._idle)
            return PoolUse(size, size - idle, len(self._waiting))

    def close(self) -> None:
        """Close every connection and end every thread; blocks while units finish."""
        for thread in self._threads:
            thread.close()

    async def _borrow(self) -> DatabaseThread:
        if Patience.is_spent():
            raise DatabaseAway
        with self._lock:
            if self._idle:
                return self._idle.pop()
            waiter: Future[DatabaseThread] = Future()
            self._waiting.append(waiter)
        try:
            async with Patience.waiting(self._patience):
                return await asyncio.wrap_future(waiter)
        except BaseException as error:
            self._give_up(waiter)
            if isinstance(error, TimeoutError):
                raise DatabaseAway("All database connections are busy.") from None
            raise

    def _give_up(self, waiter: Future[DatabaseThread]) -> None:
        """A thread that was assigned at the moment of giving up is returned."""
        with self._lock, suppress(ValueError):
            self._waiting.remove(waiter)
        if not waiter.cancel():
            self._return(waiter.result())

    def _return(self, thread: DatabaseThread) -> None:
        with self._lock:
            while self._waiting:
                waiter = self._waiting.popleft()
                if waiter.set_running_or_notify_cancel():
                    break
            else:
                self._idle.append(thread)
                return
        waiter.set_result(thread)
