from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value
from django.db.models.functions import Now

from backend.domain.jobs import JobKind
from backend.orm.constraints import Checks

_PAUSE = Checks("job_pause")
_RECONCILIATION = Checks("reconciliation")


class JobPause(models.Model):
    """A paused kind of job: no worker begins one until the kind is resumed."""

    kind = models.CharField(primary_key=True, max_length=30)
    paused_at = models.DateTimeField(db_default=Now())
    paused_by = models.CharField(max_length=300)
    reason = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        db_table = "job_pause"
        constraints = [_PAUSE.one_of("kind", JobKind)]

    def __str__(self) -> str:
        return self.kind


class WorkerHeartbeat(models.Model):
    """When a worker was last alive."""

    worker = models.CharField(primary_key=True, max_length=200)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "worker_heartbeat"

    def __str__(self) -> str:
        return self.worker


class WorkerTally(models.Model):
    """The counts of all workers for one series, whose name and labels are its key."""

    series = models.CharField(primary_key=True, max_length=300)
    counts = ArrayField(models.BigIntegerField())
    total = models.FloatField()

    class Meta:
        db_table = "worker_tally"

    def __str__(self) -> str:
        return self.series


class Reconciliation(models.Model):
    """How far the comparison of the stores has got; there is one row.

    The next turn may begin at `due_at`; `turn` rises with each, and the holder of an
    older one can no longer write.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    turn = models.BigIntegerField(default=1)
    due_at = models.DateTimeField()
    started_at = models.DateTimeField()
    after_mass = models.BooleanField(db_default=False)
    places = models.JSONField(db_default=Value({}, models.JSONField()))
    outcomes = models.JSONField(db_default=Value({}, models.JSONField()))

    class Meta:
        db_table = "reconciliation"
        constraints = [_RECONCILIATION.that("is_one", models.Q(id=1))]

    def __str__(self) -> str:
        return f"turn {self.turn}"


class ConsistencyReport(models.Model):
    """The latest comparison of the stores, with what was found and done."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    findings = models.JSONField(default=list)

    class Meta:
        db_table = "consistency_report"

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d %H:%M:%S}"
