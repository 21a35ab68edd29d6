"""The rows of blobs, as jobs read and change them."""

from uuid import UUID

from backend.domain.media import BlobRef, ObjectKey
from backend.domain.states import BLOB_TRANSITIONS, BlobState
from backend.orm.models import Blob
from backend.orm.prepared import Prepared

# Deleting the row of an upload also deletes the rows of its parts.
_MARK_STORED = Prepared("""
    WITH uploads AS (
        DELETE FROM multipart_upload WHERE blob_id = %(blob)s
    )
    UPDATE blob SET state = %(stored)s, stored_at = statement_timestamp()
     WHERE uuid = %(blob)s AND state = ANY(%(before)s)
    RETURNING uuid
""")


class BlobRows:
    """What jobs of different kinds have in common."""

    @classmethod
    def stored(cls, blob_id: UUID) -> BlobRef | None:
        blob = Blob.objects.filter(uuid=blob_id, state=BlobState.STORED).first()
        return None if blob is None else cls.ref(blob)

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
            missing=blob.state == BlobState.MISSING,
        )

    @staticmethod
    def mark_stored(blob_id: UUID) -> None:
        """The records of its upload are no longer needed."""
        sources = BLOB_TRANSITIONS.sources(BlobState.STORED)
        _MARK_STORED.row(
            blob=blob_id,
            stored=BlobState.STORED.value,
            before=[state.value for state in sources],
        )
