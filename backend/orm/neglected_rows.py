"""Rows that the ledger never leaves behind, but manual changes may."""

from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from backend.domain.jobs import DECIDING_JOBS
from backend.domain.states import OPEN_JOBS, MediaStatus
from backend.orm.blob_use import BlobUse
from backend.orm.intervals import FromNow
from backend.orm.models import Blob, Job, Media


class NeglectedRows:
    """Rows older than the grace that no job will handle."""

    def __init__(self, grace: timedelta) -> None:
        self._old = FromNow(-grace)

    def unused_blobs(self) -> QuerySet[Blob]:
        return BlobUse.unused().filter(created_at__lt=self._old)

    def idle_media(self) -> QuerySet[Media]:
        deciding = Job.objects.filter(
            media=OuterRef("uuid"), kind__in=DECIDING_JOBS, status__in=OPEN_JOBS
        )
        return Media.objects.filter(
            Q(published_at=None) | Q(described_at=None),
            ~Exists(deciding),
            status__in=[MediaStatus.PENDING, MediaStatus.PROCESSING],
            updated_at__lt=self._old,
        )
