"""What happens to a blob and the media that show it when its object is gone."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from backend.domain.failures import FailureCode
from backend.domain.jobs import JobKind
from backend.domain.media import UrlKind
from backend.domain.states import (
    BLOB_TRANSITIONS,
    LIVE_MEDIA,
    OPEN_JOBS,
    SHOWN_MEDIA,
    BlobState,
    MediaStatus,
)
from backend.orm.healing import Healing
from backend.orm.models import Blob, Job, Media, Miniature, Url
from backend.orm.reopened_work import ReopenedWork
from backend.orm.revision import Revision
from backend.use_cases.ports import KnownObject


class LockedBlob:
    """A blob and the media that show it, locked in the order of all ledger transactions."""

    def __init__(self, blob: Blob) -> None:
        self.blob = blob

    @classmethod
    def as_seen(cls, seen: KnownObject) -> "LockedBlob | None":
        """None if it has changed since the store was asked."""
        locked = Blob.objects.select_for_update(no_key=True)
        blob = locked.filter(
            uuid=seen.blob.uuid, state=seen.state, stored_at=seen.stored_at
        ).first()
        return None if blob is None else cls(blob)

    @classmethod
    def if_stored(cls, blob_id: UUID) -> "LockedBlob | None":
        return cls._if(blob_id, BlobState.STORED)

    @classmethod
    def if_missing(cls, blob_id: UUID) -> "LockedBlob | None":
        return cls._if(blob_id, BlobState.MISSING)

    @classmethod
    def _if(cls, blob_id: UUID, state: BlobState) -> "LockedBlob | None":
        locked = Blob.objects.select_for_update(no_key=True)
        blob = locked.filter(uuid=blob_id, state=state).first()
        return None if blob is None else cls(blob)

    def become(self, state: BlobState) -> None:
        sources = BLOB_TRANSITIONS.sources(state)
        Blob.objects.filter(uuid=self.blob.uuid, state__in=sources).update(state=state)

    def is_being_published(self) -> bool:
        """That job finds out by itself whether the object exists."""
        publishing = Job.objects.filter(
            kind=JobKind.UPLOAD_TO_CDN, status__in=OPEN_JOBS, media__video=self.blob
        )
        return publishing.exists()

    def published(self, statuses: Collection[MediaStatus]) -> list[Media]:
        """An unpublished media has a job that finds out by itself."""
        media = Media.objects.filter(video=self.blob, status__in=statuses)
        locked = self._locked(media.values_list("uuid", flat=True))
        return [each for each in locked if each.published_at]

    def pictured(self) -> list[Media]:
        """Those whose miniature it is."""
        shown = Miniature.objects.filter(blob=self.blob, shown=True)
        return self._locked(shown.values_list("media", flat=True))

    @staticmethod
    def _locked(media_ids: Iterable[UUID]) -> list[Media]:
        locked = Media.objects.select_for_update(no_key=True).order_by("uuid")
        return list(locked.filter(uuid__in=list(media_ids), status__in=SHOWN_MEDIA))


class LostObject:
    """Both methods return the media that are changed."""

    def __init__(self, locked: LockedBlob) -> None:
        self._locked = locked

    def put_again(self) -> list[UUID]:
        """From existing bytes; until then the object counts as missing."""
        self._locked.become(BlobState.STAGED)
        failed = self._unpublish_failed()
        live = Healing(self._locked.blob.uuid).of_live()
        return [*failed, *live, *self._picture_again()]

    def give_up(self) -> list[UUID]:
        self._locked.become(BlobState.MISSING)
        failed = self._unpublish_failed()
        lost = self._fail(self._locked.published(LIVE_MEDIA))
        return [*failed, *lost, *self._picture_again()]

    def _unpublish_failed(self) -> list[UUID]:
        return self._unpublish(self._locked.published([MediaStatus.FAILED]))

    @classmethod
    def _fail(cls, media: Sequence[Media]) -> list[UUID]:
        """Of live media, which may all fail."""
        return cls._unpublish(
            media,
            status=MediaStatus.FAILED,
            failure_code=FailureCode.OBJECT_MISSING,
        )

    @staticmethod
    def _unpublish(media: Sequence[Media], **changes: str) -> list[UUID]:
        """Their addresses lead nowhere now.

        Includes media that failed otherwise: a retry must not find them published.
        """
        media_ids = [each.uuid for each in media]
        Url.objects.filter(media__in=media_ids, kind=UrlKind.VIDEO).delete()
        for media_id in media_ids:
            Revision.rise(media_id, published_at=None, **changes)
        return media_ids

    def _picture_again(self) -> list[UUID]:
        """A frame of the video replaces the picture that was sent.

        Until then, or if that fails, no address leads to the lost object.
        """
        pictured = [media.uuid for media in self._locked.pictured()]
        Url.objects.filter(media__in=pictured, kind=UrlKind.MINIATURE).delete()
        for media_id in pictured:
            ReopenedWork.open(media_id, [JobKind.MAKE_MINIATURE])
        return pictured
