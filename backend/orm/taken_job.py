"""The statement in which a job becomes an attempt."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Self
from uuid import UUID

from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef, ObjectKey
from backend.domain.states import (
    JOB_TRANSITIONS,
    SHOWN_MEDIA,
    BlobState,
    JobStatus,
    MediaStatus,
)
from backend.orm.prepared import Prepared
from backend.use_cases.ports import Claim


@dataclass(frozen=True, slots=True)
class TakenJob:
    """A job that has just been taken, with its attempt and what it works on."""

    job_id: UUID
    attempt: int
    fence: int
    failed_attempts: int
    request_id: str
    staged_picture: UUID | None
    waited_seconds: float
    blob: tuple[UUID | None, str, int, str, str, UUID, str]

    # One statement sees one state: nothing can change between its reads and writes.
    # Every column has its table: a later release may add one of the same name elsewhere.
    # Readers see that the job runs, so the revision rises each time.
    _TAKE: ClassVar = Prepared("""
        WITH taken AS (
            UPDATE job
               SET status = %(running)s, attempt = attempt + 1, fence = fence + 1,
                   lease_until = statement_timestamp() + %(lease)s, progress = 0,
                   started_at = coalesce(started_at, statement_timestamp())
             WHERE media_id = %(media)s AND kind = %(kind)s
               AND status = ANY(%(before)s) AND run_after <= statement_timestamp()
               AND NOT EXISTS (SELECT FROM job_pause WHERE kind = %(kind)s)
               AND NOT EXISTS (
                   SELECT FROM job other JOIN media ON media.uuid = other.media_id
                    WHERE other.kind = %(kind)s AND other.kind = %(one_per_blob)s
                      AND other.status = %(running)s
                      AND other.lease_until > statement_timestamp()
                      AND media.video_id = (SELECT video_id FROM media
                                             WHERE uuid = %(media)s))
            RETURNING uuid, media_id, attempt, fence, failed_attempts, request_id,
                      staged_name, run_after
        ), attempt AS (
            INSERT INTO job_attempt (job_id, number, worker, outcome, code, message)
            SELECT uuid, attempt, %(worker)s, '', '', '' FROM taken
        ), shown AS (
            UPDATE media
               SET status = CASE media.status WHEN %(pending)s THEN %(processing)s
                            ELSE media.status END,
                   revision = revision + 1, updated_at = statement_timestamp()
              FROM taken
             WHERE media.uuid = taken.media_id AND media.status = ANY(%(shown)s)
        )
        SELECT taken.uuid, taken.attempt, taken.fence, taken.failed_attempts,
               taken.request_id, taken.staged_name,
               extract(epoch FROM statement_timestamp() - taken.run_after)::float,
               blob.uuid, blob.sha256, blob.size_bytes, blob.media_type,
               blob.object_key, blob.staged_name, blob.state
          FROM taken JOIN media ON media.uuid = taken.media_id
               LEFT JOIN blob ON blob.uuid = media.video_id
    """)

    @classmethod
    def take(
        cls, media_id: UUID, kind: JobKind, worker: str, lease: timedelta
    ) -> Self | None:
        """None if it is not due, or if another media's job uploads the same blob.

        Needs the blob of an upload locked, and then the media.
        """
        row = cls._TAKE.row(
            media=media_id,
            kind=kind.value,
            worker=worker,
            lease=lease,
            running=JobStatus.RUNNING.value,
            before=[s.value for s in JOB_TRANSITIONS.sources(JobStatus.RUNNING)],
            one_per_blob=JobKind.UPLOAD_TO_CDN.value,
            pending=MediaStatus.PENDING.value,
            processing=MediaStatus.PROCESSING.value,
            shown=[s.value for s in SHOWN_MEDIA],
        )
        return None if row is None else cls(*(*row[:7], row[7:]))

    def claim(self, media_id: UUID, kind: JobKind) -> Claim:
        return Claim(
            job_id=self.job_id,
            media_id=media_id,
            kind=kind,
            attempt=self.attempt,
            fence=self.fence,
            request_id=self.request_id,
            staged_picture=self.staged_picture,
            video=self._video,
            waited_seconds=self.waited_seconds,
        )

    @property
    def _video(self) -> BlobRef | None:
        uuid, sha256, size_bytes, media_type, key, staged_name, state = self.blob
        if uuid is None:
            return None
        return BlobRef(
            uuid=uuid,
            sha256=sha256,
            size_bytes=size_bytes,
            media_type=media_type,
            object_key=ObjectKey(key),
            staged_name=staged_name,
            stored=state != BlobState.STAGED,
            missing=state == BlobState.MISSING,
        )
