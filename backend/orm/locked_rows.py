"""Locks that every job takes, to the end of its transaction."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from backend.domain.states import MediaStatus
from backend.orm.prepared import Prepared


class LockedRows:
    """Blobs are locked before media, and media before jobs."""

    _BLOB: Final = Prepared("""
        SELECT staged_name FROM blob WHERE uuid = %(blob)s FOR NO KEY UPDATE
    """)
    _BLOB_OF: Final = Prepared("""
        SELECT blob.uuid FROM blob JOIN media ON media.video_id = blob.uuid
         WHERE media.uuid = %(media)s FOR NO KEY UPDATE OF blob
    """)
    _MEDIA: Final = Prepared("""
        SELECT uuid FROM media
         WHERE uuid = %(media)s AND status = ANY(%(statuses)s) FOR NO KEY UPDATE
    """)

    @classmethod
    def blob(cls, blob_id: UUID) -> UUID | None:
        """The name of its staged file; None if there is no such blob."""
        row = cls._BLOB.row(blob=blob_id)
        return row[0] if row else None

    @classmethod
    def blob_of(cls, media_id: UUID) -> bool:
        """False if the media has none."""
        return cls._BLOB_OF.row(media=media_id) is not None

    @classmethod
    def media(cls, media_id: UUID, statuses: Iterable[MediaStatus]) -> bool:
        """False if it has another status or does not exist."""
        texts = [status.value for status in statuses]
        return cls._MEDIA.row(media=media_id, statuses=texts) is not None
