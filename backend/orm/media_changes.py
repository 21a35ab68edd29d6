"""The transaction that changes the title or description of a media."""

from django.db import transaction

from backend.domain.media import Caller, MediaChange
from backend.domain.rights import Right
from backend.orm.callers import LockedCaller
from backend.orm.models import Media
from backend.orm.revision import Revision
from backend.orm.shown_media import ShownMedia


class MediaChanges:
    """Changes the title or description of a media; locks as all ledger transactions
    do."""

    @transaction.atomic
    def execute(self, change: MediaChange, caller: Caller) -> None:
        """Raises what `MediaLedger.change` names."""
        locked = LockedCaller.lock(caller.user_id, caller.session_id)
        media = ShownMedia.lock(change.media_id)
        locked.check_for(media.owner_id, Right.MEDIA_UPDATE_OWN, Right.MEDIA_UPDATE_ANY)
        Revision.check(media, change.revisions)
        if columns := self._columns(change, media):
            Revision.rise(media.uuid, **columns)

    @staticmethod
    def _columns(change: MediaChange, media: Media) -> dict[str, str]:
        """The values that differ from the present ones."""
        wanted = {"title": change.title, "description": change.description}
        return {
            name: value
            for name, value in wanted.items()
            if value is not None and value != getattr(media, name)
        }
