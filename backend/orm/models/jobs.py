from uuid import uuid4

from django.db import models
from django.db.models import Q, UniqueConstraint, Value
from django.db.models.functions import Now

from backend.domain.failures import FailureCode
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.states import JOB_TRANSITIONS, OPEN_JOBS, JobStatus
from backend.orm.constraints import Checks
from backend.orm.models.media import Media

_JOB = Checks("job")
_ATTEMPT = Checks("job_attempt")
_FAILURE_CODES = [code.value for code in FailureCode]


class Job(models.Model):
    """One piece of background work for a media. This table is the outbox.

    `attempt` counts every try, `failed_attempts` those that count against the limit;
    `fence` rises with every claim, and a write with an older fence changes nothing;
    the sweeper sends the message again at `ring_after`. `staged_name` is the staged
    picture that a `make_miniature` is made from, if one was sent, and until it is over;
    `leftovers` is what a job has taken out of the tables and must still remove from the
    other stores.
    """

    uuid = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    media = models.ForeignKey(Media, models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=30)
    status = models.CharField(max_length=20, default=JobStatus.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    failed_attempts = models.PositiveIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    progress = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(db_default=Now(), editable=False)
    run_after = models.DateTimeField(db_default=Now())
    ring_after = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failure_code = models.CharField(max_length=50, blank=True, default="")
    request_id = models.CharField(max_length=128, blank=True, default="")
    staged_name = models.UUIDField(null=True)
    leftovers = models.JSONField(db_default=Value([], models.JSONField()))

    class Meta:
        db_table = "job"
        constraints = [
            _JOB.one_of("kind", JobKind),
            _JOB.one_of("status", JOB_TRANSITIONS.states),
            _JOB.that("progress_is_a_percentage", Q(progress__lte=100)),
            _JOB.that(
                "lease_while_running",
                Q(status=JobStatus.RUNNING, lease_until__isnull=False)
                | (~Q(status=JobStatus.RUNNING) & Q(lease_until__isnull=True)),
            ),
            _JOB.that(
                "finished_has_time",
                Q(status__in=OPEN_JOBS, finished_at__isnull=True)
                | (~Q(status__in=OPEN_JOBS) & Q(finished_at__isnull=False)),
            ),
            _JOB.that(
                "failed_has_a_known_code",
                ~Q(status=JobStatus.FAILED) | Q(failure_code__in=_FAILURE_CODES),
            ),
            UniqueConstraint(
                fields=["media", "kind"],
                condition=Q(status__in=OPEN_JOBS),
                name="job_one_open_per_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "ring_after"],
                condition=Q(status=JobStatus.QUEUED),
                name="job_queued",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(status=JobStatus.RUNNING),
                name="job_leased",
            ),
            models.Index(
                fields=["kind", "failure_code"],
                condition=Q(status=JobStatus.FAILED),
                name="job_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class JobAttempt(models.Model):
    """One try of a job, kept as its history."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=200)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, blank=True, default="")
    code = models.CharField(max_length=50, blank=True, default="")
    message = models.CharField(max_length=1_000, blank=True, default="")

    class Meta:
        db_table = "job_attempt"
        constraints = [
            UniqueConstraint(fields=["job", "number"], name="job_attempt_number"),
            _ATTEMPT.that(
                "outcome_known",
                Q(outcome="", ended_at__isnull=True)
                | Q(
                    outcome__in=[outcome.value for outcome in AttemptOutcome],
                    ended_at__isnull=False,
                ),
            ),
            _ATTEMPT.that("code_known", Q(code__in=["", *_FAILURE_CODES])),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome}"
