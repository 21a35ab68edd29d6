from django.db import models
from django.db.models.functions import Now


class WorkerHeartbeat(models.Model):
    """When a worker was last alive."""

    worker = models.CharField(primary_key=True, max_length=200)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "worker_heartbeat"

    def __str__(self) -> str:
        return self.worker


class ConsistencyReport(models.Model):
    """The latest comparison of the stores; `findings` as in `http.md`."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    findings = models.JSONField(default=list)

    class Meta:
        db_table = "consistency_report"

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d %H:%M:%S}"
