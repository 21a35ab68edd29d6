"""What the API shows of media, jobs and metadata."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import Field

from backend.api.schemas.page import Count, PageOut
from backend.api.schemas.text import Description, RequestSchema, Title
from backend.domain.failures import FAILURES, FailureCode
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.metadata import BlobMetadata
from backend.domain.states import JobStatus
from backend.orm.models import Job, JobAttempt

# `deleting` and `deleted` are never shown.
ShownStatus = Literal["pending", "processing", "ready", "failed"]

# Only documented, not checked: the database already guarantees it.
Digest = Annotated[str, Field(json_schema_extra={"pattern": "^[0-9a-f]{64}$"})]
Address = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Percent = Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 100})]


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
    video: Address | None = None
    miniature: Address | None = None


class MediaSummaryOut(Schema):
    uuid: UUID
    title: str
    status: ShownStatus
    owner: UUID
    size: Count
    media_type: str
    duration: float | None
    miniature_url: Address | None
    created_at: datetime
    updated_at: datetime


class MediaOut(MediaSummaryOut):
    description: str
    sha256: Digest
    file_name: str
    revision: Count
    urls: UrlsOut
    technical: TechnicalOut | None
    jobs: dict[JobKind, JobStatus]
    failure: FailureOut | None


class IngestedMediaOut(MediaOut):
    """A media as the upload answers it."""

    deduplicated: bool = Field(
        description="Nothing new is stored: these bytes already belonged to a media "
        "of the caller (`200` with that media) or of another user "
        "(`201`)."
    )
    healed: bool = Field(description="These bytes had been lost and are now restored.")


class MediaPageOut(PageOut[MediaSummaryOut]):
    pass


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
    progress: Percent
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


class MediaPatchIn(RequestSchema):
    """Fields that are left out stay as they are."""

    title: Title = Field(default_factory=str, examples=["Summer holiday"])
    description: Description = Field(
        default_factory=str, examples=["The beach, from the lighthouse"]
    )

    @property
    def given(self) -> dict[str, str]:
        return self.model_dump(exclude_unset=True)


class JobIn(RequestSchema):
    """Which work to do again."""

    kind: JobKind


class JobListOut(Schema):
    items: list[JobOut]


class MetadataOut(Schema):
    media: UUID
    sha256: Digest
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
