"""The removal of an account, and what happens to its media."""

from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from backend.domain.errors import DuplicateMedia, Invalid, UserOwnsMedia
from backend.domain.states import GONE_MEDIA, LIVE_MEDIA, SHOWN_MEDIA
from backend.orm.models import Blob, Media, User


class UserRemoval:
    """Deletes a locked user, whose media go to another user, or who has none.

    Deleted media do not prevent this: they lose their owner, and their history stays.
    Locks in the order of all ledger transactions: user, blob, media.
    """

    def execute(self, user: User, transfer_to: UUID | None) -> list[UUID]:
        """Returns the media that were moved. Raises what `UserLedger.delete` names."""
        if transfer_to is not None:
            self._check_receiver(user, transfer_to)
        owned = self._lock_media(user)
        if owned and transfer_to is None:
            raise UserOwnsMedia
        if transfer_to is not None:
            self._check_twins(user, transfer_to)
            self._hand_over(user, transfer_to)
        self._of(user).filter(status__in=GONE_MEDIA).update(owner=None)
        user.delete()
        return owned

    @staticmethod
    def _check_receiver(user: User, receiver_id: UUID) -> None:
        """No other user is deleted at the same time. Raises `Invalid`."""
        receivers = User.objects.exclude(pk=user.pk).filter(pk=receiver_id)
        if not receivers.exists():
            raise Invalid(problems={"transfer_to": "There is no other such user."})

    def _lock_media(self, user: User) -> list[UUID]:
        """Returns the visible media.

        An upload or a retry of the same bytes waits for the blob.
        """
        videos = self._of(user).values("video")
        blobs = Blob.objects.select_for_update(no_key=True).filter(uuid__in=videos)
        list(blobs.order_by("uuid").values_list("uuid"))
        media = self._of(user).select_for_update(no_key=True).order_by("uuid")
        return [
            media_id
            for media_id, status in media.values_list("uuid", "status")
            if status in SHOWN_MEDIA
        ]

    def _check_twins(self, user: User, receiver_id: UUID) -> None:
        """Raises `DuplicateMedia`."""
        videos = self._of(user).filter(status__in=LIVE_MEDIA).values("video")
        twins = Media.objects.filter(
            owner=receiver_id, status__in=LIVE_MEDIA, video__in=videos
        )
        twin = twins.order_by("uuid").values_list("uuid", flat=True).first()
        if twin is not None:
            raise DuplicateMedia(twin)

    def _hand_over(self, user: User, receiver_id: UUID) -> None:
        self._of(user).filter(status__in=SHOWN_MEDIA).update(
            owner=receiver_id, revision=F("revision") + 1, updated_at=Now()
        )

    @staticmethod
    def _of(user: User) -> QuerySet[Media]:
        return Media.objects.filter(owner=user)
