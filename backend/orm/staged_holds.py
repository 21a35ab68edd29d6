"""Locks of PostgreSQL for names that are being received into the object store."""

import threading
from collections.abc import Collection
from uuid import UUID

import structlog
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from backend.domain.errors import StagingAway
from backend.orm.away import LOST

_LOG = structlog.get_logger(__name__)

# For a server that holds locks of a machine which vanished silently.
_LIVELINESS = """
    SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 4
"""
# A key of 64 bits is shown as two of 32.
_HELD = """
    SELECT name FROM unnest(%s::text[]) name
     WHERE hashtextextended(name, 1) IN (
        SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class StagedHold:
    """One such lock: a session lock, so that it ends with its process.

    Its key differs from that of `StagedLock`, which the transaction of the same upload
    takes on another session.
    """

    @staticmethod
    def take(session: BaseDatabaseWrapper, name: UUID) -> None:
        """Names are unique, so the lock is free and nobody waits."""
        with session.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_lock(hashtextextended(%s, 1))", [str(name)]
            )

    @staticmethod
    def let_go(session: BaseDatabaseWrapper, name: UUID) -> None:
        with session.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_unlock(hashtextextended(%s, 1))", [str(name)]
            )

    @staticmethod
    def held(names: Collection[UUID]) -> set[UUID]:
        """The names that any session holds, read on the connection of this thread."""
        with connection.cursor() as cursor:
            cursor.execute(_HELD, [[str(name) for name in names]])
            return {UUID(name) for (name,) in cursor.fetchall()}


class DjangoStagedHolds:
    """The `StagedHolds` port on one connection of its own, made when it is needed.

    A connection that is lost takes its locks with it: they are taken again on the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[UUID] = set()
        self._session: BaseDatabaseWrapper | None = None

    def take(self, name: UUID) -> None:
        with self._lock:
            try:
                StagedHold.take(self._connected(), name)
            except LOST as error:
                self._drop()
                raise StagingAway(
                    "The names of files being received cannot be locked."
                ) from error
            self._names.add(name)

    def renew(self) -> None:
        with self._lock:
            try:
                with self._connected().cursor() as cursor:
                    cursor.execute("SELECT 1")
            except LOST:
                self._drop()
                self._take_again()

    def let_go(self, name: UUID) -> None:
        with self._lock:
            if name not in self._names:
                return
            self._names.discard(name)
            try:
                StagedHold.let_go(self._connected(), name)
            except LOST:
                self._drop()

    def close(self) -> None:
        """Blocking: release all."""
        with self._lock:
            self._names.clear()
            self._drop()

    def _take_again(self) -> None:
        try:
            self._connected()
        except LOST as error:
            self._drop()
            _LOG.warning("staging.holds_lost", error=str(error))

    def _connected(self) -> BaseDatabaseWrapper:
        if self._session is None:
            session = connections.create_connection("default")
            session.inc_thread_sharing()
            with session.cursor() as cursor:
                cursor.execute(_LIVELINESS)
            for name in self._names:
                StagedHold.take(session, name)
            self._session = session
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
