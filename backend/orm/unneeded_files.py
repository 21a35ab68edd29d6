"""Staged files that are no longer needed, now that a job is over."""

from uuid import UUID

from backend.domain.failures import HOPELESS_PICTURE
from backend.domain.states import OPEN_JOBS, JobStatus
from backend.orm.blob_use import BlobUse
from backend.orm.models import Job
from backend.orm.prepared import Prepared
from backend.use_cases.ports import StagedNames

_SENT = Prepared("""
    SELECT uuid FROM job WHERE media_id = %(media)s AND staged_name IS NOT NULL LIMIT 1
""")


class UnneededFiles:
    """Called with blob and media locked, in the transaction that ends the job."""

    @classmethod
    def let_go(cls, media_id: UUID, blob_id: UUID | None) -> StagedNames:
        """Their names; no row relies on them from then on."""
        video = BlobUse(blob_id).let_go_of_staged_file() if blob_id else None
        names = cls._let_go_of_pictures(media_id)
        return names if video is None else (video, *names)

    @staticmethod
    def _let_go_of_pictures(media_id: UUID) -> StagedNames:
        """A picture whose job failed for another reason is kept for a retry."""
        if _SENT.row(media=media_id) is None:
            return ()
        sent = Job.objects.filter(media=media_id, staged_name__isnull=False)
        over = sent.exclude(status__in=OPEN_JOBS)
        if not over.filter(status=JobStatus.SUCCEEDED).exists():
            over = over.filter(failure_code__in=HOPELESS_PICTURE)
        names = tuple(over.values_list("staged_name", flat=True))
        if names:
            over.update(staged_name=None)
        return tuple(name for name in names if name is not None)
