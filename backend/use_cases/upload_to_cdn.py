from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import (
    Claim,
    MediaLedger,
    MultipartLedger,
    ObjectStorage,
    StagedNames,
    Staging,
)
from backend.use_cases.proven_object import ProvenObject
from backend.use_cases.run_job import Progress
from backend.use_cases.upload_journal import FailpointJournal

# A store slower than this counts as hanging.
SLOWEST_BYTES_PER_SECOND = 256 * 1024
LEAST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class UploadToCdn:
    """Puts the bytes of a media at the CDN origin, once, and makes its Url.

    An attempt resumes with the parts sent by earlier ones.
    """

    ledger: MediaLedger
    staging: Staging
    storage: ObjectStorage
    uploads: MultipartLedger

    kind: ClassVar[JobKind] = JobKind.UPLOAD_TO_CDN

    def time_limit_seconds(self, claim: Claim) -> float:
        return LEAST_SECONDS + claim.blob.size_bytes / SLOWEST_BYTES_PER_SECOND

    async def run(self, claim: Claim, progress: Progress) -> StagedNames:
        if not await ProvenObject(self.storage).is_there(claim.blob):
            await self._put(claim, progress)
        if claim.blob.missing:
            await self.ledger.regain_object(claim, claim.blob)
        Failpoints.reach("publish.stored", claim.media_id)
        return await self.ledger.mark_published(claim)

    async def _put(self, claim: Claim, progress: Progress) -> None:
        blob = claim.blob
        journal = FailpointJournal(self.uploads.journal(claim), claim.media_id)
        with await self._staged(blob) as source:
            if blob.stored:
                await self.ledger.lose_object(claim, blob)
            await self.storage.put_resumably(blob, source, progress.moved, journal)

    async def _staged(self, blob: BlobRef) -> BinaryIO:
        source = await self.staging.open(blob.staged_name)
        if source is None:
            raise BlobBytes.lost(blob)
        return source
