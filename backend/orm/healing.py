"""Media whose bytes were lost and have come back."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from backend.domain.failures import LOST_BYTES
from backend.domain.states import LIVE_MEDIA, MediaStatus
from backend.orm.models import Media
from backend.orm.reopened_work import ReopenedWork
from backend.orm.revision import Revision

_LIVE = Q(status__in=LIVE_MEDIA)
_FAILED = Q(status=MediaStatus.FAILED)
_LOST = Q(_FAILED, failure_code__in=LOST_BYTES)


@dataclass(frozen=True, slots=True)
class Healing:
    """Publishes media of one blob again; needs the blob locked.

    At most one media of each owner: the live one, or else the newest that failed
    because its bytes were lost. Media that failed otherwise stay as they are. Every
    method returns the media that are published again.
    """

    blob_id: UUID
    request_id: str = ""

    def of_all(self) -> tuple[UUID, ...]:
        """Marks the others that had been published as unpublished, so that a retry
        repeats their upload."""
        again = self._published(self._locked(_LIVE | _LOST))
        for media in self._locked(_FAILED & Q(published_at__isnull=False)):
            Revision.rise(media.uuid, published_at=None)
        return again

    def of_live(self) -> tuple[UUID, ...]:
        return self._published(self._locked(_LIVE))

    def of_owner(self, owner_id: UUID) -> tuple[UUID, ...]:
        """Nothing if one is live."""
        own = Media.objects.filter(owner=owner_id, video=self.blob_id)
        if not own.filter(_LOST).exists() or own.filter(_LIVE).exists():
            return ()
        return self._published(self._locked(_LOST & Q(owner=owner_id)))

    def _locked(self, which: Q) -> list[Media]:
        media = Media.objects.select_for_update(no_key=True)
        return list(media.filter(which, video=self.blob_id).order_by("uuid"))

    def _published(self, media: Iterable[Media]) -> tuple[UUID, ...]:
        chosen = [each for each in self._one_each(media) if self._has_ended(each)]
        for each in chosen:
            ReopenedWork.publish(each, self.request_id)
        return tuple(each.uuid for each in chosen)

    @staticmethod
    def _one_each(media: Iterable[Media]) -> list[Media]:
        """In the order in which they are locked."""
        ranked = sorted(media, key=lambda m: (m.status in LIVE_MEDIA, m.created_at))
        one_each = {each.owner_id: each for each in ranked}
        return sorted(one_each.values(), key=lambda m: m.uuid)

    @staticmethod
    def _has_ended(media: Media) -> bool:
        """Else its upload is still to come, and puts the object."""
        return media.status == MediaStatus.FAILED or media.published_at is not None
