from uuid import UUID

from backend.actors.base import BaseActor
from backend.domain.jobs import JobKind
from backend.use_cases.run_job import RunJob
from backend.use_cases.upload_to_cdn import UploadToCdn


class UploadToCdnActor(BaseActor):
    """Publishes the bytes of a media at the CDN origin."""

    kind = JobKind.UPLOAD_TO_CDN

    def __init__(self, run_job: RunJob, upload_to_cdn: UploadToCdn) -> None:
        self._run_job = run_job
        self._upload_to_cdn = upload_to_cdn

    async def perform(self, media_id: UUID) -> None:
        await self._run_job.execute(media_id, self._upload_to_cdn)
