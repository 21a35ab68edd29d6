"""Whether a blob is still needed."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.lookups import Exact

from backend.domain.jobs import JobKind
from backend.domain.states import OPEN_JOBS, BlobState, JobStatus
from backend.orm.models import Blob, Job, Media, Miniature
from backend.orm.prepared import Prepared

# The same condition as `needing_staged_file`, in one statement.
_LET_GO = Prepared("""
    UPDATE blob SET let_go = true
     WHERE uuid = %(blob)s AND state = %(stored)s
       AND NOT EXISTS (
           SELECT FROM job JOIN media ON media.uuid = job.media_id
            WHERE media.video_id = %(blob)s AND job.status = ANY(%(open)s))
       AND (SELECT job.status FROM job JOIN media ON media.uuid = job.media_id
             WHERE media.video_id = %(blob)s AND job.kind = %(upload)s
             ORDER BY job.finished_at DESC LIMIT 1) IS DISTINCT FROM %(failed)s
    RETURNING staged_name
""")


@dataclass(frozen=True, slots=True)
class BlobUse:
    """Call it with the blob locked: the answer then holds until the commit."""

    blob_id: UUID

    @staticmethod
    def unused() -> QuerySet[Blob]:
        """Blobs that no media has, deleting or not."""
        return Blob.objects.filter(
            ~Exists(Media.objects.filter(video=OuterRef("uuid"))),
            ~Exists(Miniature.objects.filter(blob=OuterRef("uuid"))),
        )

    @staticmethod
    def needing_staged_file() -> QuerySet[Blob]:
        """Blobs that are not stored yet, or have an open job, or whose latest upload
        has failed, as it is then unknown whether the object exists."""
        jobs = Job.objects.filter(media__video=OuterRef("uuid"))
        uploads = jobs.filter(kind=JobKind.UPLOAD_TO_CDN).order_by("-finished_at")
        latest = Subquery(uploads.values("status")[:1])
        return Blob.objects.filter(
            ~Q(state=BlobState.STORED)
            | Exists(jobs.filter(status__in=OPEN_JOBS))
            | Exact(latest, Value(JobStatus.FAILED))
        )

    def is_known(self) -> bool:
        return Blob.objects.filter(uuid=self.blob_id).exists()

    def is_used(self) -> bool:
        return not self.unused().filter(uuid=self.blob_id).exists()

    def let_go_of_staged_file(self) -> UUID | None:
        """The name of its staged file, if that is no longer needed.

        The file is removed after the commit without asking again. So nothing may rely
        on it from now on, even if the object is lost in between.
        """
        row = _LET_GO.row(
            blob=self.blob_id,
            stored=BlobState.STORED.value,
            open=[status.value for status in OPEN_JOBS],
            upload=JobKind.UPLOAD_TO_CDN.value,
            failed=JobStatus.FAILED.value,
        )
        return row[0] if row else None
