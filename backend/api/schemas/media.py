"""What the API shows of media, jobs and metadata (`http.md`, Bodies)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from ninja import Schema

from backend.domain.failures import FAILURES, FailureCode
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.media import UrlKind
from backend.domain.metadata import BlobMetadata
from backend.domain.states import JobStatus
from backend.orm.media_repository import MediaPage
from backend.orm.models import Job, JobAttempt, Media
from backend.use_cases.ports import CdnAddresses

# `deleting` and `deleted` are never shown.
ShownStatus = Literal["pending", "processing", "ready", "failed"]


class FailureOut(Schema):
    code: FailureCode
    title: str
    retryable: bool
    advice: str

    @classmethod
    def of(cls, code: str) -> Self | None:
        if not code:
            return None
        failure = FAILURES[FailureCode(code)]
        return cls(
            code=failure.code,
            title=failure.title,
            retryable=failure.retried,
            advice=failure.advice,
        )


class VideoTrackOut(Schema):
    codec: str | None
    width: int | None
    height: int | None
    frame_rate: float | None


class AudioTrackOut(Schema):
    codec: str | None
    channels: int | None
    sample_rate: int | None


class TechnicalOut(Schema):
    container: str | None
    duration: float | None
    bit_rate: int | None
    video: VideoTrackOut | None
    audio: AudioTrackOut | None


class UrlsOut(Schema):
    video: str | None = None
    miniature: str | None = None


class MediaSummaryOut(Schema):
    uuid: UUID
    title: str
    status: ShownStatus
    owner: UUID
    size: int
    media_type: str
    duration: float | None
    miniature_url: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, media: Media, addresses: CdnAddresses) -> Self:
        """Needs the media's video and urls loaded."""
        return cls.model_validate(cls._fields(media, UrlsOf(media, addresses).shown()))

    @classmethod
    def _fields(cls, media: Media, urls: UrlsOut) -> dict[str, Any]:
        return {
            "uuid": media.uuid,
            "title": media.title,
            "status": media.status,
            "owner": media.owner_id,
            "size": media.blob.size_bytes,
            "media_type": media.blob.media_type,
            "duration": media.duration_seconds,
            "miniature_url": urls.miniature,
            "created_at": media.created_at,
            "updated_at": media.updated_at,
        }


class MediaOut(MediaSummaryOut):
    description: str
    sha256: str
    file_name: str
    revision: int
    urls: UrlsOut
    technical: TechnicalOut | None
    jobs: dict[JobKind, JobStatus]
    failure: FailureOut | None

    @classmethod
    def of(cls, media: Media, addresses: CdnAddresses) -> Self:
        """Needs the media's video, urls and jobs loaded."""
        return cls.model_validate(cls._whole(media, addresses))

    @classmethod
    def _whole(cls, media: Media, addresses: CdnAddresses) -> dict[str, Any]:
        urls = UrlsOf(media, addresses).shown()
        return {
            **cls._fields(media, urls),
            "description": media.description,
            "sha256": media.blob.sha256,
            "file_name": media.file_name,
            "revision": media.revision,
            "urls": urls,
            "technical": media.technical,
            "jobs": cls._latest(media),
            "failure": FailureOut.of(media.failure_code),
        }

    @staticmethod
    def _latest(media: Media) -> dict[str, str]:
        """The status of the newest job of each kind."""
        oldest_first = sorted(media.jobs.all(), key=lambda job: job.queued_at)
        return {job.kind: job.status for job in oldest_first}


class IngestedMediaOut(MediaOut):
    """A media as the upload answers it."""

    deduplicated: bool
    healed: bool

    @classmethod
    def of_ingested(
        cls, media: Media, addresses: CdnAddresses, *, deduplicated: bool
    ) -> Self:
        # Healing arrives with recovery; until then nothing is ever healed.
        answer = {"deduplicated": deduplicated, "healed": False}
        return cls.model_validate({**cls._whole(media, addresses), **answer})


class UrlsOf:
    """Makes the addresses of a media when they are shown."""

    def __init__(self, media: Media, addresses: CdnAddresses) -> None:
        self._media = media
        self._addresses = addresses

    def shown(self) -> UrlsOut:
        keys = {url.kind: url.object_key for url in self._media.urls.all()}
        return UrlsOut(
            video=self._address(keys, UrlKind.VIDEO),
            miniature=self._address(keys, UrlKind.MINIATURE),
        )

    def _address(self, keys: Mapping[str, str], kind: UrlKind) -> str | None:
        key = keys.get(kind)
        return self._addresses.address(key) if key else None


class MediaPageOut(Schema):
    items: list[MediaSummaryOut]
    next: str | None
    total: int
    total_is_exact: bool

    @classmethod
    def of(cls, page: MediaPage, next_: str | None, addresses: CdnAddresses) -> Self:
        return cls(
            items=[MediaSummaryOut.of(media, addresses) for media in page.items],
            next=next_,
            total=page.total,
            total_is_exact=page.total_is_exact,
        )


class AttemptOut(Schema):
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    code: FailureCode | None
    message: str | None

    @classmethod
    def of(cls, attempt: JobAttempt) -> Self:
        return cls(
            number=attempt.number,
            worker=attempt.worker,
            started_at=attempt.started_at,
            ended_at=attempt.ended_at,
            outcome=AttemptOutcome(attempt.outcome) if attempt.outcome else None,
            code=FailureCode(attempt.code) if attempt.code else None,
            message=attempt.message or None,
        )


class JobOut(Schema):
    uuid: UUID
    kind: JobKind
    status: JobStatus
    progress: int
    queued_at: datetime
    run_after: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    failure: FailureOut | None
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, job: Job) -> Self:
        """Needs the attempts loaded; `run_after` is shown while the job waits."""
        waits = job.status == JobStatus.QUEUED and job.attempt > 0
        return cls(
            uuid=job.uuid,
            kind=JobKind(job.kind),
            status=JobStatus(job.status),
            progress=job.progress,
            queued_at=job.queued_at,
            run_after=job.run_after if waits else None,
            started_at=job.started_at,
            finished_at=job.finished_at,
            failure=FailureOut.of(job.failure_code),
            attempts=[AttemptOut.of(attempt) for attempt in job.attempts.all()],
        )


class JobListOut(Schema):
    items: list[JobOut]


class MetadataOut(Schema):
    media: UUID
    sha256: str
    extractor: str
    extractor_version: str
    extracted_at: datetime
    tracks: list[dict[str, Any]]
    truncated: bool

    @classmethod
    def of(cls, media_id: UUID, metadata: BlobMetadata) -> Self:
        return cls(
            media=media_id,
            sha256=metadata.sha256,
            extractor=metadata.report.extractor,
            extractor_version=metadata.report.extractor_version,
            extracted_at=metadata.extracted_at,
            tracks=[dict(track) for track in metadata.report.tracks],
            truncated=metadata.report.truncated,
        )
