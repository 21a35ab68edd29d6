from uuid import UUID

from backend.actors.base import BaseActor
from backend.domain.jobs import JobKind
from backend.use_cases.make_miniature import MakeMiniature
from backend.use_cases.run_job import RunJob


class MakeMiniatureActor(BaseActor):
    """Makes the still picture of a media."""

    kind = JobKind.MAKE_MINIATURE

    def __init__(self, run_job: RunJob, make_miniature: MakeMiniature) -> None:
        self._run_job = run_job
        self._make_miniature = make_miniature

    async def perform(self, media_id: UUID) -> None:
        await self._run_job.execute(media_id, self._make_miniature)
