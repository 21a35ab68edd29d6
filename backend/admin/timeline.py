from typing import Any

from django.db.models import Prefetch, QuerySet
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from backend.orm.models import Job, JobAttempt
from backend.orm.paused_kinds import PausedKinds

# Deletions are tried without end.
MOST_ATTEMPTS = 50


class JobTimeline:
    """Jobs with their attempts, oldest first, as a table."""

    @staticmethod
    def of(jobs: QuerySet[Job]) -> SafeString:
        latest = JobAttempt.objects.order_by("-number")[:MOST_ATTEMPTS]
        loaded = jobs.annotate(paused=PausedKinds.of_job()).prefetch_related(
            Prefetch("attempts", latest, "latest")
        )
        shown: list[dict[str, Any]] = [
            {"job": job, "attempts": job.latest[::-1]}
            for job in loaded.order_by("queued_at", "kind")
        ]
        return render_to_string("admin_site/timeline.html", {"jobs": shown})
