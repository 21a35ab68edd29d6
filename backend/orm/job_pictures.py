"""The transactions in which a made picture becomes the miniature of a media."""

import hashlib
from collections.abc import Iterable
from uuid import uuid4

from django.db import transaction
from django.db.models import Q, QuerySet

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.leftovers import Leftovers
from backend.domain.media import BlobRef, ObjectKey, Picture, UrlKind
from backend.domain.states import SHOWN_MEDIA, BlobState
from backend.orm.blob_rows import BlobRows
from backend.orm.blob_use import BlobUse
from backend.orm.held_job import HeldJob
from backend.orm.leftovers_json import LeftoversJson
from backend.orm.models import Blob, Job, Media, Miniature, Url
from backend.orm.new_blob import NewBlob
from backend.orm.revision import Revision
from backend.use_cases.ports import Claim

MADE_WITH_MOST_CHARACTERS = 200


class PictureBlobs:
    """The blobs of pictures, locked in the order of their uuids."""

    def of_picture(self, picture: Picture, others: Q) -> tuple[Blob, list[Blob]]:
        """The blob of these bytes, new or shared, and the others."""
        sha256 = hashlib.sha256(picture.content).hexdigest()
        while True:
            self._insert(picture, sha256)
            blobs = self.lock(Q(sha256=sha256) | others)
            # Another media that shared it may have removed it before the lock.
            for blob in blobs:
                if blob.sha256 == sha256:
                    self._expect(blob)
                    return blob, [other for other in blobs if other != blob]

    @staticmethod
    def lock(which: Q) -> list[Blob]:
        # For no insert that refers to a blob may be under way when its row goes.
        return list(Blob.objects.select_for_update().filter(which).order_by("uuid"))

    @staticmethod
    def _expect(blob: Blob) -> None:
        """An object that was lost is about to be put again."""
        if blob.state == BlobState.MISSING:
            blob.state = BlobState.STAGED
            blob.save(update_fields=["state"])

    @staticmethod
    def _insert(picture: Picture, sha256: str) -> None:
        """Nothing is staged under its name: each attempt makes the bytes anew."""
        uuid = uuid4()
        NewBlob(
            uuid=uuid,
            sha256=sha256,
            size_bytes=len(picture.content),
            media_type=picture.MEDIA_TYPE,
            object_key=ObjectKey.miniature(uuid),
        ).insert()


class JobPictures:
    """Gives a picture its blob before it is stored, and shows it after.

    Until it is stored readers still see the previous miniature, so a media may have
    two; checks of the use of a blob, and deletions, consider both. When a blob loses
    its last use its row goes, and in the same transaction its key becomes a leftover of
    the job; the object is removed before the job ends. So it is found by the next
    attempt of a job, or the next job, whatever happens in between. Nobody can want the
    old object back: uuids and keys are never used again, and bytes that return get a
    blob of their own.

    Both raise `LeaseLost`, and `JobFailed` when the media was deleted meanwhile, or the
    object was lost. They lock blobs, media and job in this order.
    """

    def __init__(self) -> None:
        self._blobs = PictureBlobs()

    @transaction.atomic
    def begin(self, claim: Claim, picture: Picture) -> BlobRef:
        """The blob to be stored. A picture that was never stored is given up."""
        never_shown = self._miniatures(claim, shown=False)
        given_up = Q(uuid__in=never_shown.values("blob"))
        blob, others = self._blobs.of_picture(picture, given_up)
        self._lock(claim)
        Miniature.objects.update_or_create(
            media_id=claim.media_id,
            shown=False,
            defaults={
                "blob": blob,
                "width": picture.width,
                "height": picture.height,
                "made_with": picture.made_with[:MADE_WITH_MOST_CHARACTERS],
            },
        )
        self._remove_unused(claim, others)
        return BlobRows.ref(blob)

    @transaction.atomic
    def show(self, claim: Claim) -> tuple[ObjectKey, ...]:
        """The object is stored; returns the keys of objects to be removed."""
        both = Miniature.objects.filter(media=claim.media_id)
        blobs = self._blobs.lock(Q(uuid__in=both.values("blob")))
        self._lock(claim)
        made = self._miniatures(claim, shown=False).select_related("blob").get()
        self._expect_stored(made.blob)
        self._miniatures(claim, shown=True).delete()
        Miniature.objects.filter(pk=made.pk).update(shown=True)
        self._publish(claim, made.blob)
        self._remove_unused(claim, blobs)
        return self._leftovers(claim)

    @staticmethod
    def _miniatures(claim: Claim, *, shown: bool) -> QuerySet[Miniature]:
        return Miniature.objects.filter(media=claim.media_id, shown=shown)

    @staticmethod
    def _lock(claim: Claim) -> None:
        locked = Media.objects.select_for_update(no_key=True)
        if locked.filter(uuid=claim.media_id, status__in=SHOWN_MEDIA).first() is None:
            message = "The media was deleted while its miniature was made."
            raise JobFailed(FailureCode.MEDIA_DELETED, message)
        HeldJob.of(claim).lock()

    @staticmethod
    def _expect_stored(blob: Blob) -> None:
        """Raises `JobFailed` if its object was found missing after it was seen."""
        if blob.state == BlobState.MISSING:
            message = "The object of the picture was lost before it was shown."
            raise JobFailed(FailureCode.OBJECT_DAMAGED, message)

    @staticmethod
    def _publish(claim: Claim, blob: Blob) -> None:
        BlobRows.mark_stored(blob.uuid)
        Url.objects.update_or_create(
            media_id=claim.media_id,
            kind=UrlKind.MINIATURE,
            defaults={"object_key": blob.object_key},
        )
        Revision.rise(claim.media_id)

    def _remove_unused(self, claim: Claim, blobs: Iterable[Blob]) -> None:
        unused = [blob for blob in blobs if not BlobUse(blob.uuid).is_used()]
        if not unused:
            return
        keys = tuple(ObjectKey(blob.object_key) for blob in unused)
        Blob.objects.filter(uuid__in=[blob.uuid for blob in unused]).delete()
        noted = Job.objects.values_list("leftovers", flat=True).get(uuid=claim.job_id)
        leftovers = LeftoversJson.load(noted) + Leftovers(objects=keys)
        HeldJob.of(claim).note(leftovers=LeftoversJson.dump(leftovers))

    @staticmethod
    def _leftovers(claim: Claim) -> tuple[ObjectKey, ...]:
        """Includes those of failed jobs of this kind that had not removed them."""
        jobs = Job.objects.filter(media=claim.media_id, kind=JobKind.MAKE_MINIATURE)
        noted = jobs.values_list("leftovers", flat=True)
        return tuple(
            key for pairs in noted for key in LeftoversJson.load(pairs).objects
        )
