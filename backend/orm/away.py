"""Which errors of Django's mean that the database is away."""

from typing import ClassVar

from django.db import InterfaceError, InternalError, OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout, ReadOnlySqlTransaction

LOST = (OperationalError, InterfaceError)


class Away:
    """Includes two errors that look like internal errors but are not defects of ours.

    A database that may only be read is a standby, or one whose disk is full. A session
    that is cut within a transaction belonged to a process that was suspended.
    """

    _CUT_OR_READ_ONLY: ClassVar = (
        IdleInTransactionSessionTimeout,
        ReadOnlySqlTransaction,
    )

    @classmethod
    def is_meant_by(cls, error: BaseException) -> bool:
        if isinstance(error, InternalError):
            return isinstance(error.__cause__, cls._CUT_OR_READ_ONLY)
        return isinstance(error, LOST)

    @staticmethod
    def is_read_only(error: BaseException) -> bool:
        return isinstance(error.__cause__, ReadOnlySqlTransaction)
