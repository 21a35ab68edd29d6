"""The transactions in which the object of a blob is found to be gone, or back."""

from collections.abc import Callable, Collection, Iterable, Sequence
from uuid import UUID

from django.db import transaction

from backend.domain.failures import LOST_BYTES, FailureCode
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
from backend.orm.blob_rows import BlobRows
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
        """None if it is not any more as it was when the store was asked."""
        locked = Blob.objects.select_for_update(no_key=True)
        blob = locked.filter(
            uuid=seen.blob.uuid, state=seen.state, stored_at=seen.stored_at
        ).first()
        return None if blob is None else cls(blob)

    def become(self, state: BlobState) -> None:
        sources = BLOB_TRANSITIONS.sources(state)
        Blob.objects.filter(uuid=self.blob.uuid, state__in=sources).update(state=state)

    def is_being_published(self) -> bool:
        """Then that job finds out by itself whether the object is there."""
        publishing = Job.objects.filter(
            kind=JobKind.UPLOAD_TO_CDN, status__in=OPEN_JOBS, media__video=self.blob
        )
        return publishing.exists()

    def published(self, statuses: Collection[MediaStatus]) -> list[Media]:
        """What is not published yet has a job that finds out by itself."""
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


class ObjectRepairs:
    """Each returns the media that are changed, and None if there is nothing to do.

    `is_staged` tells whether a staged file is there; none goes while its blob is locked.
    """

    def __init__(self, is_staged: Callable[[UUID], bool]) -> None:
        self._is_staged = is_staged

    @transaction.atomic
    def lose(self, seen: KnownObject) -> Collection[UUID] | None:
        locked = LockedBlob.as_seen(seen)
        if locked is None or locked.is_being_published():
            return None
        failed = self._unpublish(locked.published([MediaStatus.FAILED]))
        # Pictures have no staged file of their own: they are made again.
        if self._is_staged(locked.blob.staged_name):
            locked.become(BlobState.STAGED)
            return [*failed, *Healing(locked.blob.uuid).of_live()]
        locked.become(BlobState.MISSING)
        lost = self._fail(locked.published(LIVE_MEDIA))
        return [*failed, *lost, *self._picture_again(locked)]

    @transaction.atomic
    def regain(self, seen: KnownObject) -> Collection[UUID] | None:
        locked = LockedBlob.as_seen(seen)
        if locked is None or seen.state != BlobState.MISSING:
            return None
        locked.become(BlobState.STAGED)
        BlobRows.mark_stored(locked.blob.uuid)
        return Healing(locked.blob.uuid, codes=LOST_BYTES).of_all()

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
        """Where they were fetched nothing is. Also those that failed otherwise: a retry
        of what they lack must not find them published."""
        media_ids = [each.uuid for each in media]
        Url.objects.filter(media__in=media_ids, kind=UrlKind.VIDEO).delete()
        for media_id in media_ids:
            Revision.rise(media_id, published_at=None, **changes)
        return media_ids

    @staticmethod
    def _picture_again(locked: LockedBlob) -> list[UUID]:
        """A frame of the video takes the place of a picture that was sent."""
        pictured = [media.uuid for media in locked.pictured()]
        for media_id in pictured:
            ReopenedWork.open(media_id, [JobKind.MAKE_MINIATURE])
        return pictured
