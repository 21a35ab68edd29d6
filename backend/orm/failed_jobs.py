"""Jobs that failed for good, selected for reopening."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet

from backend.domain.jobs import JobKind
from backend.domain.operations import FailedCount, FailedJob, FailedJobs
from backend.domain.states import SHOWN_MEDIA, JobStatus
from backend.orm.models import Job


class FailedJobRows:
    """Only the newest job of each media and kind counts; older ones are history."""

    @classmethod
    def count(cls, which: FailedJobs) -> FailedCount:
        counts = cls._of(which).values_list("kind").annotate(jobs=Count("uuid"))
        return FailedCount(
            {JobKind(kind): count for kind, count in counts.order_by("kind")},
            cls._now(),
        )

    @classmethod
    def some(
        cls, which: FailedJobs, until: datetime, after: UUID | None, most: int
    ) -> list[FailedJob]:
        jobs = cls._of(which).filter(queued_at__lte=until)
        if after is not None:
            jobs = jobs.filter(uuid__gt=after)
        rows: Iterable[tuple[UUID, UUID, str]] = jobs.order_by("uuid").values_list(
            "uuid", "media_id", "kind"
        )[:most]
        return [FailedJob(job, media, JobKind(kind)) for job, media, kind in rows]

    @staticmethod
    def _of(which: FailedJobs) -> QuerySet[Job]:
        newer = Job.objects.filter(
            media=OuterRef("media"),
            kind=OuterRef("kind"),
            queued_at__gt=OuterRef("queued_at"),
        )
        return Job.objects.filter(
            ~Exists(newer),
            status=JobStatus.FAILED,
            kind__in=which.kinds,
            failure_code=which.code,
            media__status__in=SHOWN_MEDIA,
        )

    @staticmethod
    def _now() -> datetime:
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement_timestamp()")
            now: datetime = cursor.fetchone()[0]
            return now
