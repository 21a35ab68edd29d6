"""The lock under which a transaction relies on a staged file."""

from uuid import UUID

from django.db import connection


class StagedLock:
    """Held to the end of the transaction; removing an unowned file takes it too."""

    @staticmethod
    def take(name: UUID) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(name)]
            )
