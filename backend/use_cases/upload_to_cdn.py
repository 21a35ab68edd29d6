from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef
from backend.use_cases.ports import Claim, MediaLedger, ObjectStorage, Staging
from backend.use_cases.run_job import Progress

# A store slower than this is taken for one that hangs.
SLOWEST_BYTES_PER_SECOND = 256 * 1024
LEAST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class UploadToCdn:
    """Puts the bytes of a media at the CDN origin, once, and makes its Url."""

    ledger: MediaLedger
    staging: Staging
    storage: ObjectStorage

    kind: ClassVar[JobKind] = JobKind.UPLOAD_TO_CDN

    def time_limit_seconds(self, claim: Claim) -> float:
        return LEAST_SECONDS + claim.blob.size_bytes / SLOWEST_BYTES_PER_SECOND

    async def run(self, claim: Claim, progress: Progress) -> UUID | None:
        if not await self._is_stored(claim.blob):
            await self._put(claim.blob, progress)
        return await self.ledger.mark_published(claim)

    async def _is_stored(self, blob: BlobRef) -> bool:
        """Really there: an earlier attempt or another media of these bytes put it."""
        found = await self.storage.stat(blob.object_key)
        return (
            found is not None
            and found.size_bytes == blob.size_bytes
            and found.sha256 == blob.sha256
        )

    async def _put(self, blob: BlobRef, progress: Progress) -> None:
        source = await self.staging.open(blob.staged_name)
        if source is None:
            code = (
                FailureCode.OBJECT_MISSING
                if blob.stored
                else FailureCode.STAGED_FILE_MISSING
            )
            raise JobFailed(code, "The bytes are neither staged nor stored.")
        with source:
            await self.storage.put(blob, source, progress.moved)
