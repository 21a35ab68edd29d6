"""Jobs that waited for an event that has just happened."""

from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from backend.domain.jobs import SUSPICIOUS_LOSSES, JobKind
from backend.domain.states import JobStatus
from backend.orm.models import Job
from backend.orm.prepared import Prepared

_RING_FOR_UPLOAD = Prepared("""
    UPDATE job SET ring_after = statement_timestamp()
      FROM media
     WHERE media.video_id = %(blob)s AND job.media_id = media.uuid
       AND job.kind = %(kind)s AND job.status = %(queued)s
    RETURNING job.uuid
""")


class Bells:
    """Makes the next sweep ring for queued jobs, instead of a much later one."""

    @staticmethod
    def ring_for_deletion(media_id: UUID) -> None:
        """An attempt on the media has ended: the deletion may have waited for it."""
        waiting = Job.objects.filter(
            media=media_id, kind=JobKind.DELETE_MEDIA, status=JobStatus.QUEUED
        )
        waiting.update(ring_after=Now())

    @classmethod
    def ring_for_suspects(cls) -> None:
        """An attempt has ended for which suspects may have waited."""
        cls._ring_due(failed_attempts__gte=SUSPICIOUS_LOSSES)

    @classmethod
    def ring_for_kind(cls, kind: JobKind) -> None:
        """The kind was paused, and jobs rung for meanwhile were not begun."""
        cls._ring_due(kind=kind, ring_after__gt=Now())

    @staticmethod
    def _ring_due(**which: Any) -> None:
        waiting = Job.objects.filter(
            status=JobStatus.QUEUED, run_after__lte=Now(), **which
        )
        # Locked rows are being handled already; two of us must not wait for each other.
        free = waiting.select_for_update(skip_locked=True, no_key=True)
        jobs = list(free.values_list("uuid", flat=True))
        Job.objects.filter(uuid__in=jobs).update(ring_after=Now())

    @staticmethod
    def ring_for_upload(blob_id: UUID) -> None:
        """An upload has ended: other media of these bytes may have waited for it."""
        _RING_FOR_UPLOAD.row(
            blob=blob_id,
            kind=JobKind.UPLOAD_TO_CDN.value,
            queued=JobStatus.QUEUED.value,
        )
