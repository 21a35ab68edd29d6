"""Reads of media and their jobs."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch

from backend.domain.errors import MediaNotFound, MediaNotStored
from backend.domain.states import BlobState
from backend.orm.database_line import Statement
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_rows import MediaRow, MediaRows
from backend.orm.models import Job, JobAttempt


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """The object of a video, and its original file name."""

    object_key: str
    file_name: str


class MediaRepository:
    """The media visible to readers: not those that are deleting or deleted.

    Every method raises `DatabaseAway`; those that name a media raise `MediaNotFound`.
    """

    _ONE: ClassVar = Statement(
        f"""
        SELECT {MediaRows.WHOLE} {MediaRows.FROM}
         WHERE {MediaRows.IS_SHOWN} AND media.uuid = $1
        """,
        prepared=True,
    )

    def __init__(self, threads: DatabaseThreads, lines: DatabaseLines) -> None:
        self._threads = threads
        self._lines = lines

    async def detail(self, media_id: UUID) -> MediaRow:
        found = await self._lines.rows(self._ONE, media_id, make=MediaRows.whole)
        if not found:
            raise MediaNotFound
        return found[0]

    async def jobs(self, media_id: UUID) -> list[Job]:
        """All jobs of the media, newest first, with their attempts, oldest first."""
        return await self._threads.run(self._jobs, media_id)

    async def job(self, job_id: UUID) -> Job:
        """The job with its attempts, oldest first."""
        return await self._threads.run(self._job, job_id)

    async def stored(self, media_id: UUID) -> StoredVideo:
        """Where the bytes of the media are. Raises `MediaNotStored` too."""
        return await self._threads.run(self._stored, media_id)

    async def blob_id(self, media_id: UUID) -> UUID:
        return await self._threads.run(self._blob_id, media_id)

    @classmethod
    def _jobs(cls, media_id: UUID) -> list[Job]:
        if not MediaRows.shown().filter(uuid=media_id).exists():
            raise MediaNotFound
        jobs = Job.objects.filter(media=media_id).prefetch_related(cls._attempts())
        return list(jobs.order_by("-queued_at", "kind"))

    @staticmethod
    def _stored(media_id: UUID) -> StoredVideo:
        shown = MediaRows.shown().filter(uuid=media_id)
        media = shown.select_related("video").first()
        if media is None:
            raise MediaNotFound
        if media.blob.state != BlobState.STORED:
            raise MediaNotStored
        return StoredVideo(media.blob.object_key, media.file_name)

    @staticmethod
    def _blob_id(media_id: UUID) -> UUID:
        shown = MediaRows.shown().filter(uuid=media_id)
        blob_id = shown.values_list("video", flat=True).first()
        if blob_id is None:
            raise MediaNotFound
        return blob_id

    @classmethod
    def _job(cls, job_id: UUID) -> Job:
        job = Job.objects.filter(uuid=job_id).prefetch_related(cls._attempts()).first()
        if job is None:
            raise MediaNotFound  # Purged since.
        return job

    @staticmethod
    def _attempts() -> "Prefetch[Any]":
        return Prefetch("attempts", JobAttempt.objects.order_by("number"))
