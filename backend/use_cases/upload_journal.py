from dataclasses import dataclass
from uuid import UUID

from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import BegunUpload, SentPart, UploadJournal


@dataclass(frozen=True, slots=True)
class FailpointJournal:
    """A journal before whose entries a fault test can kill the process.

    `upload.begun` has the media as its key, `upload.part_sent` the number of the part.
    """

    journal: UploadJournal
    media_id: UUID

    async def begun(self) -> BegunUpload | None:
        return await self.journal.begun()

    async def begin(self, upload_id: str, part_bytes: int) -> None:
        Failpoints.reach("upload.begun", self.media_id)
        await self.journal.begin(upload_id, part_bytes)

    async def sent(self, upload_id: str, part: SentPart) -> None:
        Failpoints.reach("upload.part_sent", part.number)
        await self.journal.sent(upload_id, part)
