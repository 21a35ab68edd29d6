"""Jobs that waited for something which has just come about."""

from uuid import UUID

from django.db.models.functions import Now

from backend.domain.jobs import SUSPICIOUS_LOSSES, JobKind
from backend.domain.states import JobStatus
from backend.orm.models import Job


class Bells:
    """Has the next sweep ring for jobs that are queued, instead of one much later."""

    @staticmethod
    def ring_for_deletion(media_id: UUID) -> None:
        """An attempt on the media has ended: the deletion may have waited for it."""
        waiting = Job.objects.filter(
            media=media_id, kind=JobKind.DELETE_MEDIA, status=JobStatus.QUEUED
        )
        waiting.update(ring_after=Now())

    @staticmethod
    def ring_for_suspects() -> None:
        """An attempt that may have been one of theirs has ended: they wait for it."""
        waiting = Job.objects.filter(
            status=JobStatus.QUEUED,
            failed_attempts__gte=SUSPICIOUS_LOSSES,
            run_after__lte=Now(),
        )
        # Whoever is locked is just being looked at; two of us must not wait for each other.
        free = waiting.select_for_update(skip_locked=True, no_key=True)
        jobs = list(free.values_list("uuid", flat=True))
        Job.objects.filter(uuid__in=jobs).update(ring_after=Now())

    @staticmethod
    def ring_for_upload(blob_id: UUID) -> None:
        """An upload has ended: other media of these bytes may have waited for it."""
        waiting = Job.objects.filter(
            kind=JobKind.UPLOAD_TO_CDN, status=JobStatus.QUEUED, media__video=blob_id
        )
        waiting.update(ring_after=Now())
