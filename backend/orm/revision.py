"""The number that distinguishes the visible states of a media."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from backend.domain.errors import RevisionMismatch
from backend.domain.states import SHOWN_MEDIA
from backend.orm.models import Media


class Revision:
    """Rises in every transaction that changes what readers see of a media.

    That includes the statuses of its jobs. It locks the media, so call it before a job
    is written to.
    """

    @staticmethod
    def check(media: Media, expected: Collection[str] | None) -> None:
        """Needs the media locked; None expects any. Raises `RevisionMismatch`."""
        if expected is not None and str(media.revision) not in expected:
            raise RevisionMismatch(f"The media has revision {media.revision} now.")

    @staticmethod
    def rise(media_id: UUID, **changes: Any) -> None:
        """Write the changes too. Does nothing to a media that is not visible."""
        Media.objects.filter(uuid=media_id, status__in=SHOWN_MEDIA).update(
            **changes, revision=F("revision") + 1, updated_at=Now()
        )
