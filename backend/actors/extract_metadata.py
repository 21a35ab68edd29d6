from uuid import UUID

from backend.actors.base import BaseActor
from backend.domain.jobs import JobKind
from backend.use_cases.extract_metadata import ExtractMetadata
from backend.use_cases.run_job import RunJob


class ExtractMetadataActor(BaseActor):
    """Reads everything technical about the bytes of a media."""

    kind = JobKind.EXTRACT_METADATA

    def __init__(self, run_job: RunJob, extract_metadata: ExtractMetadata) -> None:
        self._run_job = run_job
        self._extract_metadata = extract_metadata

    async def perform(self, media_id: UUID) -> None:
        await self._run_job.execute(media_id, self._extract_metadata)
