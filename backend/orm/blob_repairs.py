"""The transactions that remake what belongs to a blob, or remove the blob."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from backend.domain.jobs import JobKind
from backend.domain.states import LIVE_MEDIA
from backend.orm.models import Blob, Media
from backend.orm.neglected_rows import NeglectedRows
from backend.orm.reopened_work import ReopenedWork


class BlobRepairs:
    """Each locks blob and media; None, or False, if there is nothing to do."""

    def __init__(self, grace: timedelta) -> None:
        self._neglected = NeglectedRows(grace)

    @transaction.atomic
    def lose_document(
        self, blob_id: UUID, found_sha256: str
    ) -> Collection[UUID] | None:
        """Returns the media that are processed again.

        A document that is found with the right checksum meanwhile is not lost.
        """
        blob = Blob.objects.select_for_update(no_key=True).filter(uuid=blob_id).first()
        if blob is None or blob.sha256 == found_sha256:
            return None
        locked = Media.objects.select_for_update(no_key=True).order_by("uuid")
        described = locked.filter(
            video=blob, status__in=LIVE_MEDIA, described_at__isnull=False
        )
        media_ids = [media.uuid for media in described]
        for media_id in media_ids:
            ReopenedWork.open(media_id, [JobKind.EXTRACT_METADATA])
        return media_ids or None

    @transaction.atomic
    def forget(self, blob_id: UUID) -> bool:
        # No insert that refers to a blob may be in progress when its row is removed.
        locked = Blob.objects.select_for_update().filter(uuid=blob_id).first()
        if locked is None:
            return False
        unused = self._neglected.unused_blobs().filter(uuid=blob_id)
        return unused.delete()[0] == 1

    @transaction.atomic
    def reopen(self, media_id: UUID) -> Collection[UUID] | None:
        blobs = Blob.objects.select_for_update(no_key=True, of=("self",))
        blobs.filter(media=media_id).first()
        Media.objects.select_for_update(no_key=True).filter(uuid=media_id).first()
        media = self._neglected.idle_media().filter(uuid=media_id).first()
        if media is None:
            return None
        ReopenedWork.open(media_id, ReopenedWork.lacking(media))
        return [media_id]
