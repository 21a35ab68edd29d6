"""Who still needs a blob."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.lookups import Exact

from backend.domain.jobs import JobKind
from backend.domain.states import OPEN_JOBS, BlobState, JobStatus
from backend.orm.models import Blob, Job, Media, Miniature
from backend.orm.prepared import Prepared

# The same as `needing_staged_file` says, asked and answered in one statement.
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
    """Asked with the blob locked: the answer holds until the commit."""

    blob_id: UUID

    @staticmethod
    def unused() -> QuerySet[Blob]:
        """Those that no media has, be it deleting or not."""
        return Blob.objects.filter(
            ~Exists(Media.objects.filter(video=OuterRef("uuid"))),
            ~Exists(Miniature.objects.filter(blob=OuterRef("uuid"))),
        )

    @staticmethod
    def needing_staged_file() -> QuerySet[Blob]:
        """Those that are not stored yet, or have an open job.

        And those whose latest upload has failed: nobody knows then whether the object
        is there.
        """
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
        """Its name, if it is not needed.

        Whoever removes the file does so after the commit and asks nobody. So nobody may
        come to rely on it from now on, be it that its object is lost in between.
        """
        row = _LET_GO.row(
            blob=self.blob_id,
            stored=BlobState.STORED.value,
            open=[status.value for status in OPEN_JOBS],
            upload=JobKind.UPLOAD_TO_CDN.value,
            failed=JobStatus.FAILED.value,
        )
        return row[0] if row else None
