"""What happens to a blob and the media that show it when its object is back."""

from uuid import UUID

from backend.domain.media import UrlKind
from backend.domain.states import BlobState
from backend.orm.blob_rows import BlobRows
from backend.orm.healing import Healing
from backend.orm.lost_object import LockedBlob
from backend.orm.models import Url
from backend.orm.revision import Revision


class ReturnedObject:
    """The object of a missing blob, which must be locked."""

    def __init__(self, locked: LockedBlob) -> None:
        self._locked = locked

    def show(self) -> list[UUID]:
        """Returns the media that are changed."""
        self._locked.become(BlobState.STAGED)
        BlobRows.mark_stored(self._locked.blob.uuid)
        again = Healing(self._locked.blob.uuid).of_all()
        return [*again, *self._picture_again()]

    def _picture_again(self) -> list[UUID]:
        """If no other picture has replaced it meanwhile."""
        pictured = [media.uuid for media in self._locked.pictured()]
        for media_id in pictured:
            Url.objects.update_or_create(
                media_id=media_id,
                kind=UrlKind.MINIATURE,
                defaults={"object_key": self._locked.blob.object_key},
            )
            Revision.rise(media_id)
        return pictured
