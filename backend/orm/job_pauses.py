"""The transactions that pause and resume a kind of job."""

from django.db import transaction

from backend.domain.jobs import JobKind
from backend.domain.operations import PAUSING_RIGHTS, Operator, Pause, Paused
from backend.domain.states import JobStatus
from backend.orm.bells import Bells
from backend.orm.callers import LockedCaller
from backend.orm.models import Job, JobPause


class JobPauses:
    """A row for each kind that is paused, which the claiming statement looks for."""

    @staticmethod
    @transaction.atomic
    def begin(kind: JobKind, operator: Operator, reason: str) -> Paused:
        """A pause that there is stays as it is."""
        LockedCaller.check_operator(operator, *PAUSING_RIGHTS)
        _, is_new = JobPause.objects.get_or_create(
            kind=kind, defaults={"paused_by": operator.name, "reason": reason}
        )
        running = Job.objects.filter(kind=kind, status=JobStatus.RUNNING)
        return Paused(is_new, running.count())

    @staticmethod
    @transaction.atomic
    def end(kind: JobKind, operator: Operator) -> bool:
        LockedCaller.check_operator(operator, *PAUSING_RIGHTS)
        removed, _ = JobPause.objects.filter(kind=kind).delete()
        Bells.ring_for_kind(kind)
        return removed > 0

    @staticmethod
    def all() -> list[Pause]:
        return [
            Pause(JobKind(row.kind), row.paused_at, row.paused_by, row.reason)
            for row in JobPause.objects.order_by("kind")
        ]
