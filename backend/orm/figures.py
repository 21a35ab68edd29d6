"""The numbers of the whole installation, the same from every process."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from backend.domain.failures import FailureCode
from backend.domain.figures import Figures, FindingCount, JobCount
from backend.domain.states import JobStatus
from backend.orm.database_threads import DatabaseThreads
from backend.orm.job_pauses import JobPauses
from backend.orm.worker_tallies import WorkerTallies

# One branch for each state: each has a partial index, and succeeded jobs are not read.
# Failed jobs are read from the index alone: after a bad night there may be very many.
_JOBS = """
SELECT kind, CASE WHEN paused THEN 'paused' ELSE status END, failure_code, count(*),
       CASE WHEN NOT paused
            THEN extract(epoch FROM statement_timestamp() - min(run_after)) END
  FROM (SELECT *, EXISTS (SELECT FROM job_pause WHERE job_pause.kind = job.kind) AS paused
          FROM job) AS job
 WHERE status = %s AND run_after <= statement_timestamp()
 GROUP BY kind, status, paused, failure_code
UNION ALL
SELECT kind, 'delayed', failure_code, count(*), NULL
  FROM job WHERE status = %s AND run_after > statement_timestamp()
 GROUP BY kind, failure_code
UNION ALL
SELECT kind, status, failure_code, count(*), NULL
  FROM job WHERE status = %s GROUP BY kind, status, failure_code
UNION ALL
SELECT kind, 'failed', failure_code, count(*), NULL
  FROM job WHERE status = %s AND failure_code <> %s GROUP BY kind, failure_code
"""
_VALUES = [
    *(JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.FAILED),
    FailureCode.MEDIA_DELETED,
]
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
    """Reads on its own thread, so that it never waits for a thread of the requests."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def read(self) -> Figures:
        """Raises `DatabaseAway`, `DatabaseSilent`."""
        return await self._threads.run(self._read)

    @classmethod
    def _read(cls) -> Figures:
        jobs = cls._rows(_JOBS, _VALUES)
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
            [pause.kind.value for pause in JobPauses.all()],
            WorkerTallies.all(),
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
