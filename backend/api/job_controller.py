"""The background jobs of a media over HTTP."""

from uuid import UUID

from ninja import Status

from backend.api.controller import Controller
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.api.schemas.media import JobIn, JobListOut, JobOut
from backend.domain.errors import DuplicateMedia, JobOpen, MediaNotFound, NothingToRetry
from backend.domain.rights import Right
from backend.orm.media_repository import MediaRepository
from backend.use_cases.retry_job import RetryJob

PATH = "/media/{any_uuid:media_id}/jobs/"


class JobController(Controller):
    """The operations under `/media/{uuid}/jobs/`."""

    tag = "jobs"

    def __init__(self, media: MediaRepository, retry_job: RetryJob) -> None:
        super().__init__()
        self._media = media
        self._retry_job = retry_job
        self.add(
            PATH,
            "GET",
            self.history,
            access=Access.any_of(Right.JOB_READ),
            response=JobListOut,
            problems=[MediaNotFound],
            summary="Background jobs of a media, newest first",
        )
        self.add(
            PATH,
            "POST",
            self.retry,
            access=Access.any_of(Right.JOB_RETRY_OWN, Right.JOB_RETRY_ANY),
            response={202: JobOut},
            problems=[MediaNotFound, JobOpen, NothingToRetry, DuplicateMedia],
            summary="Retry failed work",
        )

    async def history(self, request: ApiRequest, media_id: UUID) -> JobListOut:
        """Each job with its attempts: when, by which worker, and why an attempt
        failed."""
        jobs = await self._media.jobs(media_id)
        return JobListOut(items=[JobOut.of(job) for job in jobs])

    async def retry(
        self, request: ApiRequest, media_id: UUID, body: JobIn
    ) -> Status[JobOut]:
        """Opens a new job, which makes a failed media `processing` again.

        409 `job_open` while such a job waits or runs; `nothing_to_retry` if the last
        one did not fail; `duplicate_media` if the owner has sent the same bytes again
        since: `media` is that media. A failure that is not `retryable` can be retried
        too: a newer release may succeed. For media of other users the caller needs the
        right `job.retry_any`.
        """
        job_id = await self._retry_job.execute(
            media_id, body.kind, request.auth, request.request_id
        )
        return Status(202, JobOut.of(await self._media.job(job_id)))
