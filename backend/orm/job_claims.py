"""The transaction in which a worker takes a job."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.states import GONE_MEDIA, SHOWN_MEDIA
from backend.orm.held_job import HeldJob
from backend.orm.intervals import LEASE
from backend.orm.locked_rows import LockedRows
from backend.orm.models import Media
from backend.orm.other_jobs import OtherJobs
from backend.orm.suspects import Suspects
from backend.orm.taken_job import TakenJob
from backend.use_cases.ports import Claim


class JobClaims:
    """Hands each due job to exactly one worker, and each blob to one upload.

    Two media on one blob have an upload job each; the second waits until the first has
    ended, and then finds the object stored.
    """

    def __init__(self, lease: timedelta = LEASE) -> None:
        self._lease = lease

    @transaction.atomic
    def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        """Take the open job of this kind, or None if it cannot be taken."""
        if not self._may_begin(media_id, kind):
            return None
        taken = TakenJob.take(media_id, kind, worker, self._lease)
        if taken is None:
            return None
        if not Suspects.may_run(taken.job_id, taken.failed_attempts, worker):
            transaction.set_rollback(True)
            return None
        return taken.claim(media_id, kind)

    def renew(self, claim: Claim, progress: int) -> bool:
        """Raises `JobFailed` with `media_deleted` when the work is no longer needed."""
        renewed = HeldJob.of(claim).renew(progress, self._lease)
        is_shown = Media.objects.filter(uuid=claim.media_id, status__in=SHOWN_MEDIA)
        if claim.kind != JobKind.DELETE_MEDIA and not is_shown.exists():
            message = "The media was deleted while it was worked on."
            raise JobFailed(FailureCode.MEDIA_DELETED, message)
        return renewed

    def _may_begin(self, media_id: UUID, kind: JobKind) -> bool:
        """Lock the media; False while its state, or another attempt, forbids this."""
        if kind == JobKind.DELETE_MEDIA:
            gone = LockedRows.media(media_id, GONE_MEDIA)
            return gone and OtherJobs(media_id).close()
        if kind == JobKind.UPLOAD_TO_CDN and not LockedRows.blob_of(media_id):
            return False
        return LockedRows.media(media_id, SHOWN_MEDIA)
