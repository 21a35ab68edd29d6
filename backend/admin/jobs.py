from django.contrib import admin
from django.utils.safestring import SafeString

from backend.admin.read_only import ChoiceFilter, ReadOnlyAdmin
from backend.admin.timeline import JobTimeline
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.rights import Right
from backend.domain.states import JobStatus
from backend.orm.models import Job


class JobStatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"
    values = tuple(JobStatus)


class JobKindFilter(ChoiceFilter):
    title = "kind"
    parameter_name = "kind"
    values = tuple(JobKind)


class OutcomeFilter(ChoiceFilter):
    title = "outcome"
    parameter_name = "outcome"
    values = tuple(AttemptOutcome)


class JobAdmin(ReadOnlyAdmin):
    """Jobs of deleted media too, until they are purged."""

    right = Right.JOB_READ
    list_display = (
        "kind",
        "media",
        "status",
        "progress",
        "attempt",
        "failure_code",
        "queued_at",
        "run_after",
        "finished_at",
    )
    list_filter = (JobStatusFilter, JobKindFilter)
    list_select_related = ("media",)
    search_fields = ("media__title",)
    ordering = ("-queued_at", "uuid")
    readonly_fields = ("timeline",)
    fields = (
        "kind",
        "media",
        "status",
        "timeline",
        "progress",
        "attempt",
        "failed_attempts",
        "failure_code",
        "queued_at",
        "run_after",
        "started_at",
        "finished_at",
        "lease_until",
        "request_id",
        "uuid",
    )

    @admin.display(description="Attempts")
    def timeline(self, job: Job) -> SafeString:
        return JobTimeline.of(Job.objects.filter(pk=job.pk))


class JobAttemptAdmin(ReadOnlyAdmin):
    right = Right.JOB_READ
    list_display = (
        "job",
        "number",
        "worker",
        "started_at",
        "ended_at",
        "outcome",
        "code",
        "message",
    )
    list_filter = (OutcomeFilter,)
    list_select_related = ("job",)
    search_fields = ("worker", "code")
    ordering = ("-pk",)
    fields = (
        "job",
        "number",
        "worker",
        "started_at",
        "ended_at",
        "outcome",
        "code",
        "message",
    )


class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    right = Right.SYSTEM_INSPECT
    list_display = ("worker", "seen_at")
    ordering = ("-seen_at",)
    fields = ("worker", "seen_at")
