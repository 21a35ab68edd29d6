"""The transactions for an object of a blob that is found missing, or back."""

from collections.abc import Callable, Collection
from uuid import UUID

from django.db import transaction

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.states import BlobState
from backend.orm.held_job import HeldJob
from backend.orm.lost_object import LockedBlob, LostObject
from backend.orm.returned_object import ReturnedObject
from backend.use_cases.ports import Claim, KnownObject


class ObjectRepairs:
    """Each returns the media that are changed, and None if there is nothing to do.

    `is_staged` tells whether a staged file of a size is there; none goes while its blob is locked.
    """

    def __init__(self, is_staged: Callable[[UUID, int], bool]) -> None:
        self._is_staged = is_staged

    @transaction.atomic
    def lose(self, seen: KnownObject) -> Collection[UUID] | None:
        locked = LockedBlob.as_seen(seen)
        if locked is None or locked.is_being_published():
            return None
        # Pictures have no staged file of their own: they are made again.
        blob = locked.blob
        if not blob.let_go and self._is_staged(blob.staged_name, blob.size_bytes):
            return LostObject(locked).put_again()
        return LostObject(locked).give_up()

    @transaction.atomic
    def regain(self, seen: KnownObject) -> Collection[UUID] | None:
        locked = LockedBlob.as_seen(seen)
        if locked is None or seen.state != BlobState.MISSING:
            return None
        return ReturnedObject(locked).show()


class LostObjects:
    """The same for findings of a job, which has the bytes or has seen them in the
    store.

    Both return the media that are changed; they raise `LeaseLost` and `JobFailed`.
    """

    @transaction.atomic
    def lose(self, claim: Claim, blob_id: UUID) -> Collection[UUID]:
        locked = LockedBlob.if_stored(blob_id)
        if locked and claim.kind == JobKind.UPLOAD_TO_CDN and locked.blob.let_go:
            message = "The object is gone, and so will be the staged file."
            raise JobFailed(FailureCode.OBJECT_MISSING, message)
        changed = LostObject(locked).put_again() if locked else ()
        HeldJob.of(claim).lock()
        return changed

    @transaction.atomic
    def regain(self, claim: Claim, blob_id: UUID) -> Collection[UUID]:
        locked = LockedBlob.if_missing(blob_id)
        changed = ReturnedObject(locked).show() if locked else ()
        HeldJob.of(claim).lock()
        return changed
