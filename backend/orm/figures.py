"""The numbers of the whole installation, whichever process is asked."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from backend.domain.figures import Figures, FindingCount, JobCount
from backend.domain.states import JobStatus
from backend.orm.database_threads import DatabaseThreads

# One branch for each state: each has a partial index, and what has succeeded is not read.
_JOBS = """
SELECT kind, status, failure_code, count(*),
       extract(epoch FROM statement_timestamp() - min(run_after))
  FROM job WHERE status = %s AND run_after <= statement_timestamp()
 GROUP BY kind, status, failure_code
UNION ALL
SELECT kind, 'delayed', failure_code, count(*), NULL
  FROM job WHERE status = %s AND run_after > statement_timestamp()
 GROUP BY kind, failure_code
UNION ALL
SELECT kind, status, failure_code, count(*), NULL
  FROM job WHERE status = %s GROUP BY kind, status, failure_code
UNION ALL
SELECT kind, status, failure_code, count(*), NULL
  FROM job WHERE status = %s GROUP BY kind, status, failure_code
"""
_STATES = [JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FAILED]
_FINDINGS = """
SELECT finding ->> 'kind', (finding ->> 'applied')::boolean, count(*)
  FROM (SELECT findings FROM consistency_report
         ORDER BY finished_at DESC, id DESC LIMIT 1) AS latest,
       jsonb_array_elements(latest.findings) AS finding
 GROUP BY 1, 2
"""
_AGES = """
SELECT (SELECT extract(epoch FROM statement_timestamp() - max(seen_at))
          FROM worker_heartbeat),
       (SELECT extract(epoch FROM statement_timestamp() - max(finished_at))
          FROM consistency_report)
"""


class InstallationFigures:
    """Reads on a thread of its own: it must not wait for one of the requests'."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def read(self) -> Figures:
        """Raises `DatabaseAway`, `DatabaseSilent`."""
        return await self._threads.run(self._read)

    @classmethod
    def _read(cls) -> Figures:
        jobs = cls._rows(_JOBS, _STATES)
        findings = cls._rows(_FINDINGS)
        ((heartbeat, reconciled),) = cls._rows(_AGES)
        return Figures(
            [
                JobCount(kind, status, code, count, cls._seconds(waited))
                for kind, status, code, count, waited in jobs
            ],
            [FindingCount(*row) for row in findings],
            cls._seconds(heartbeat),
            cls._seconds(reconciled),
        )

    @staticmethod
    def _rows(statement: str, values: Sequence[str] = ()) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows: list[Any] = cursor.fetchall()
            return rows

    @staticmethod
    def _seconds(value: Any) -> float | None:
        return None if value is None else float(value)
