"""What requests have left behind: files in staging, rows in PostgreSQL."""

from pathlib import Path

import psycopg

from tests.e2e.faults import until
from tests.folders import Looked


class Remains:
    """Tells what has been added to a staging folder and a database since `begin`."""

    # A miniature is made later, and may be of an earlier upload.
    ROWS = {
        "blob": "SELECT uuid::text FROM blob WHERE media_type LIKE 'video/%'",
        "media": "SELECT uuid::text FROM media",
        "job": "SELECT uuid::text FROM job",
    }

    def __init__(self, staging: Path, database: psycopg.Connection[tuple[str]]) -> None:
        self._staging = staging
        self._database = database
        self._before: set[str] = set()

    def begin(self) -> None:
        """What is there now does not count."""
        self._before = self._seen()

    def added(self) -> set[str]:
        """Names of new files, and new rows as "table uuid"."""
        return self._seen() - self._before

    def rows(self, table: str) -> set[str]:
        """The uuids of the new rows of a table."""
        found = (name.partition(" ") for name in self.added())
        return {uuid for kind, _, uuid in found if kind == table}

    def files(self) -> set[str]:
        return {name for name in self.added() if " " not in name}

    def until_nothing(self, seconds: float) -> float:
        """For clients that left: nobody else hears of the end of their requests."""
        return until(lambda: not self.added(), seconds, "nothing is left")

    def _seen(self) -> set[str]:
        seen = Looked.names(self._staging)
        for table, query in self.ROWS.items():
            rows = self._database.execute(query).fetchall()
            seen |= {f"{table} {uuid}" for (uuid,) in rows}
        return seen


class Rows:
    """Every row of the tables that requests write."""

    # Workers write these by themselves.
    BESIDES = (
        "worker_heartbeat",
        "worker_tally",
        "reconciliation",
        "consistency_report",
    )

    def __init__(self, database: psycopg.Connection[tuple[str]]) -> None:
        self._database = database
        self._query = " UNION ALL ".join(
            f"SELECT '{table} ' || row::text FROM \"{table}\" row"  # noqa: S608
            for table in self._tables()
        )

    def all(self) -> set[str]:
        return {text for (text,) in self._database.execute(self._query).fetchall()}

    def _tables(self) -> list[str]:
        found = self._database.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return [table for (table,) in found if table not in self.BESIDES]
