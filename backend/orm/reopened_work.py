"""Work on a media that was done, or had failed, and must be done again."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from backend.domain.failures import FailureCode
from backend.domain.jobs import DECIDING_JOBS, JobKind
from backend.domain.states import OPEN_JOBS, JobStatus, MediaStatus
from backend.orm.models import Job, Media, Miniature
from backend.orm.new_job import NewJob
from backend.orm.revision import Revision


class ReopenedWork:
    """Needs the blob and the media locked."""

    # The result of a job no longer counts once the job is repeated.
    MOMENTS: Final = {
        JobKind.UPLOAD_TO_CDN: "published_at",
        JobKind.EXTRACT_METADATA: "described_at",
    }

    @classmethod
    def open(
        cls, media_id: UUID, kinds: Collection[JobKind], request_id: str = ""
    ) -> None:
        """Queue a job of each kind that is not open.

        If one of them decides about the media, it is processed again until that job has
        succeeded.
        """
        cls._open(media_id, kinds, request_id, cls._changes(kinds))

    @classmethod
    def queue(
        cls, media_id: UUID, kinds: Collection[JobKind], request_id: str = ""
    ) -> None:
        """The same, but the media keeps its status meanwhile."""
        cls._open(media_id, kinds, request_id, {})

    @classmethod
    def publish(cls, media: Media, request_id: str = "") -> None:
        """Queue the upload of its bytes again, and everything else that it lacks."""
        kinds = dict.fromkeys([JobKind.UPLOAD_TO_CDN, *cls.lacking(media)])
        if cls._has_failed_picture(media):
            kinds[JobKind.MAKE_MINIATURE] = None
        cls.open(media.uuid, kinds.keys(), request_id)

    @classmethod
    def lacking(cls, media: Media) -> list[JobKind]:
        """The work needed before it is ready."""
        moments = cls.MOMENTS.items()
        return [kind for kind, moment in moments if getattr(media, moment) is None]

    @staticmethod
    def _has_failed_picture(media: Media) -> bool:
        """What was wrong with the staged bytes was wrong for its picture, too."""
        if media.failure_code != FailureCode.STAGED_FILE_MISSING:
            return False
        if Miniature.objects.filter(media=media).exists():
            return False
        jobs = Job.objects.filter(media=media, kind=JobKind.MAKE_MINIATURE)
        return jobs.filter(status=JobStatus.FAILED).exists()

    @staticmethod
    def _open(
        media_id: UUID,
        kinds: Collection[JobKind],
        request_id: str,
        changes: dict[str, Any],
    ) -> None:
        Revision.rise(media_id, **changes)
        opened = Job.objects.filter(media=media_id, status__in=OPEN_JOBS)
        under_way = set(opened.values_list("kind", flat=True))
        Job.objects.bulk_create(
            NewJob.of(media_id, kind, request_id)
            for kind in kinds
            if kind not in under_way
        )

    @classmethod
    def _changes(cls, kinds: Collection[JobKind]) -> dict[str, Any]:
        deciding = [kind for kind in kinds if kind in DECIDING_JOBS]
        if not deciding:
            return {}
        return {
            **{cls.MOMENTS[kind]: None for kind in deciding},
            "status": MediaStatus.PROCESSING,
            "failure_code": "",
        }
