"""The rows of bytes, as jobs see and change them."""

from uuid import UUID

from django.db.models.functions import Now

from backend.domain.media import BlobRef, ObjectKey
from backend.domain.states import BLOB_TRANSITIONS, BlobState
from backend.orm.models import Blob, MultipartUpload


class BlobRows:
    """What jobs of different kinds have in common."""

    @staticmethod
    def ref(blob: Blob) -> BlobRef:
        return BlobRef(
            uuid=blob.uuid,
            sha256=blob.sha256,
            size_bytes=blob.size_bytes,
            media_type=blob.media_type,
            object_key=ObjectKey(blob.object_key),
            staged_name=blob.staged_name,
            stored=blob.state != BlobState.STAGED,
        )

    @staticmethod
    def mark_stored(blob_id: UUID) -> None:
        """What is known of its upload is not needed any more."""
        sources = BLOB_TRANSITIONS.sources(BlobState.STORED)
        Blob.objects.filter(uuid=blob_id, state__in=sources).update(
            state=BlobState.STORED, stored_at=Now()
        )
        MultipartUpload.objects.filter(blob=blob_id).delete()
