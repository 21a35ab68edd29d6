"""Jobs that may be killing their workers, kept apart."""

from uuid import UUID

from django.db import connection
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from backend.domain.jobs import SUSPICIOUS_LOSSES, AttemptOutcome
from backend.domain.states import JobStatus
from backend.orm.models import Job, JobAttempt

# Any number will do, as long as nothing else in this database uses it.
SUSPECTS_LOCK = 7_203_119


class Suspects:
    """Jobs that have lost workers again and again: no process runs two of them at a
    time.

    A job that kills a process takes everything that runs there with it, and the killer
    is unknown. But after two deaths the killer is a suspect, and so is every job that
    died with it twice. They never run beside each other again: no job dies from the
    same killer more than twice, and fewer than three such jobs make no innocent one use
    up its attempts.
    """

    @classmethod
    def may_run(cls, job_id: UUID, failed_attempts: int, worker: str) -> bool:
        """Checked when it has just been taken, whether or not its attempt is
        written."""
        if failed_attempts < SUSPICIOUS_LOSSES or not cls._is_one(job_id):
            return True
        cls._lock(worker)
        running = cls._all().filter(
            status=JobStatus.RUNNING,
            lease_until__gt=Now(),
            attempts__number=F("attempt"),
            attempts__worker=worker,
        )
        return not running.exclude(uuid=job_id).exists()

    @classmethod
    def _is_one(cls, job_id: UUID) -> bool:
        return cls._all().filter(uuid=job_id).exists()

    @staticmethod
    def _all() -> QuerySet[Job]:
        lost = JobAttempt.objects.filter(
            job=OuterRef("uuid"), outcome=AttemptOutcome.LOST
        )
        losses = lost.order_by().values("job").annotate(count=Count("*"))
        return (
            Job.objects.filter(failed_attempts__gte=SUSPICIOUS_LOSSES)
            .alias(losses=Subquery(losses.values("count")))
            .filter(losses__gte=SUSPICIOUS_LOSSES)
        )

    @staticmethod
    def _lock(worker: str) -> None:
        """Locks to the end of the transaction, so that two threads of a process take
        turns."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
                [SUSPECTS_LOCK, worker],
            )
