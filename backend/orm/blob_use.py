"""Who still needs a blob."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.lookups import Exact

from backend.domain.jobs import JobKind
from backend.domain.states import OPEN_JOBS, BlobState, JobStatus
from backend.orm.models import Blob, Job, Media, Miniature


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

    def unneeded_staged_file(self) -> UUID | None:
        """Its name."""
        if self.needing_staged_file().filter(uuid=self.blob_id).exists():
            return None
        blob = Blob.objects.filter(uuid=self.blob_id)
        return blob.values_list("staged_name", flat=True).first()
