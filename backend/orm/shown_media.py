"""A media that a request is about to change."""

from uuid import UUID

from backend.domain.errors import MediaNotFound
from backend.domain.states import SHOWN_MEDIA
from backend.orm.models import Blob, Media


class ShownMedia:
    """Locks what a request changes, in the order of all ledger transactions."""

    @staticmethod
    def lock(media_id: UUID) -> Media:
        """The media, its blob locked before it. Raises `MediaNotFound`."""
        blobs = Blob.objects.select_for_update(no_key=True, of=("self",))
        blobs.filter(media=media_id).first()
        media = Media.objects.select_for_update(no_key=True)
        shown = media.filter(uuid=media_id, status__in=SHOWN_MEDIA).first()
        if shown is None:
            raise MediaNotFound
        return shown
