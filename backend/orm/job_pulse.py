"""How long jobs wait, and when a worker was last alive."""

from django.db import connection

from backend.domain.health import Pulse
from backend.domain.states import JobStatus
from backend.orm.database_threads import DatabaseThreads

_PULSE = """
SELECT
    (SELECT extract(epoch FROM statement_timestamp() - min(run_after))
       FROM job WHERE status = %s AND run_after <= statement_timestamp()
        AND NOT EXISTS (SELECT FROM job_pause WHERE job_pause.kind = job.kind)),
    (SELECT max(seen_at) FROM worker_heartbeat)
"""


class JobPulse:
    """Reads on its own threads, so that it never waits for a thread of the requests."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def read(self) -> Pulse:
        """Raises `DatabaseAway`, `DatabaseSilent`."""
        return await self._threads.run(self._read)

    @staticmethod
    def _read() -> Pulse:
        with connection.cursor() as cursor:
            cursor.execute(_PULSE, [JobStatus.QUEUED])
            waited, seen_at = cursor.fetchone()
        return Pulse(None if waited is None else float(waited), seen_at)
