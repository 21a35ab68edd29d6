from uuid import UUID

from backend.actors.base import BaseActor
from backend.domain.jobs import JobKind
from backend.use_cases.delete_media import DeleteMedia
from backend.use_cases.run_job import RunJob


class DeleteMediaActor(BaseActor):
    """Removes the remains of a deleted media from the stores."""

    kind = JobKind.DELETE_MEDIA

    def __init__(self, run_job: RunJob, delete_media: DeleteMedia) -> None:
        self._run_job = run_job
        self._delete_media = delete_media

    async def perform(self, media_id: UUID) -> None:
        await self._run_job.execute(media_id, self._delete_media)
