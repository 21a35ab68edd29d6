"""Jobs that make no progress, for how long, and why."""

from datetime import timedelta
from typing import Any

from django.db import connection

from backend.domain.jobs import JobKind
from backend.domain.operations import Stuck, StuckCount, StuckJob, StuckReason
from backend.domain.states import SHOWN_MEDIA, JobStatus
from backend.orm.job_pauses import JobPauses

# One branch for each state, as each has a partial index. A job is in one of them only.
_STUCK = """
WITH stuck AS (
    SELECT job.*,
           CASE WHEN job_pause.kind IS NOT NULL THEN 'paused'
                WHEN run_after <= statement_timestamp() - %(longer)s THEN 'no_worker'
                ELSE 'tried_again' END AS reason,
           CASE WHEN job_pause.kind IS NOT NULL
                THEN greatest(queued_at, job_pause.paused_at)
                WHEN run_after <= statement_timestamp() - %(longer)s THEN run_after
                ELSE queued_at END AS since
      FROM job LEFT JOIN job_pause USING (kind)
     WHERE status = %(queued)s
       AND (job_pause.kind IS NOT NULL
            OR run_after <= statement_timestamp() - %(longer)s
            OR failure_code <> '' AND queued_at <= statement_timestamp() - %(longer)s)
    UNION ALL
    SELECT job.*, 'lease_lost', lease_until
      FROM job WHERE status = %(running)s AND lease_until < statement_timestamp()
    UNION ALL
    SELECT job.*, 'failed', finished_at
      FROM job JOIN media ON media.uuid = job.media_id
     WHERE job.status = %(failed)s AND media.status = ANY(%(shown)s)
       AND NOT EXISTS (SELECT FROM job newer
                        WHERE newer.media_id = job.media_id AND newer.kind = job.kind
                          AND newer.queued_at > job.queued_at)
)
"""
_COUNTS = """
SELECT reason, kind, failure_code, count(*),
       extract(epoch FROM statement_timestamp() - min(since))
  FROM stuck GROUP BY reason, kind, failure_code ORDER BY reason, kind, failure_code
"""
_JOBS = """
SELECT reason, kind, failure_code, stuck.uuid, media_id,
       extract(epoch FROM statement_timestamp() - since), attempt,
       coalesce(latest.worker, ''), coalesce(latest.message, '')
  FROM (SELECT * FROM stuck ORDER BY since, uuid LIMIT %(most)s) AS stuck
  LEFT JOIN job_attempt latest
         ON latest.job_id = stuck.uuid AND latest.number = stuck.attempt
 ORDER BY since, stuck.uuid
"""
_HEARTBEAT = """
SELECT extract(epoch FROM statement_timestamp() - max(seen_at)) FROM worker_heartbeat
"""


class StuckJobs:
    """Reads as one unit; the jobs may have continued since."""

    @classmethod
    def read(cls, longer_than: timedelta, most: int) -> Stuck:
        values = {
            "longer": longer_than,
            "most": most,
            "queued": JobStatus.QUEUED,
            "running": JobStatus.RUNNING,
            "failed": JobStatus.FAILED,
            "shown": list(SHOWN_MEDIA),
        }
        ((heartbeat,),) = cls._rows(_HEARTBEAT, {})
        return Stuck(
            JobPauses.all(),
            None if heartbeat is None else float(heartbeat),
            [cls._count(*row) for row in cls._rows(_STUCK + _COUNTS, values)],
            [cls._job(*row) for row in cls._rows(_STUCK + _JOBS, values)],
        )

    @staticmethod
    def _count(reason: str, kind: str, code: str, count: int, age: Any) -> StuckCount:
        return StuckCount(StuckReason(reason), JobKind(kind), code, count, float(age))

    @staticmethod
    def _job(reason: str, kind: str, code: str, *rest: Any) -> StuckJob:
        job_id, media_id, age, attempt, worker, message = rest
        return StuckJob(
            StuckReason(reason),
            JobKind(kind),
            code,
            job_id,
            media_id,
            float(age),
            attempt,
            worker,
            message,
        )

    @staticmethod
    def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            rows: list[Any] = cursor.fetchall()
            return rows
