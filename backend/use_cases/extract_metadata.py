from dataclasses import dataclass
from typing import BinaryIO, ClassVar
from uuid import UUID

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef
from backend.domain.metadata import BlobMetadata
from backend.domain.technical import TechnicalSummary
from backend.use_cases.ports import (
    Claim,
    Clock,
    DocumentStore,
    MediaLedger,
    MetadataExtractor,
    ObjectStorage,
    Staging,
)
from backend.use_cases.run_job import Progress

# The extractor has a limit of its own; the rest is for fetching the object.
SLOWEST_BYTES_PER_SECOND = 1024 * 1024
LEAST_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class ExtractMetadata:
    """Reads the technical report of a media's bytes, unless it is known already."""

    ledger: MediaLedger
    staging: Staging
    storage: ObjectStorage
    extractor: MetadataExtractor
    documents: DocumentStore
    clock: Clock

    kind: ClassVar[JobKind] = JobKind.EXTRACT_METADATA

    def time_limit_seconds(self, claim: Claim) -> float:
        return LEAST_SECONDS + claim.blob.size_bytes / SLOWEST_BYTES_PER_SECOND

    async def run(self, claim: Claim, progress: Progress) -> UUID | None:
        known = await self.documents.find(claim.blob.uuid)
        if known is None or known.sha256 != claim.blob.sha256:
            known = await self._extract(claim.blob)
            await self.documents.save(known)
        progress.moved(claim.blob.size_bytes)
        summary = TechnicalSummary.of_tracks(known.report.tracks)
        return await self.ledger.mark_described(claim, summary)

    async def _extract(self, blob: BlobRef) -> BlobMetadata:
        with await self._open(blob) as source:
            report = await self.extractor.extract(source)
        return BlobMetadata(blob.uuid, blob.sha256, self.clock.now(), report)

    async def _open(self, blob: BlobRef) -> BinaryIO:
        """The staged file while there is one: it is near and in the page cache."""
        source = await self.staging.open(blob.staged_name)
        if source is None:
            source = await self.storage.download(blob.object_key)
        if source is None:
            message = "The bytes are neither staged nor stored."
            raise JobFailed(FailureCode.STAGED_FILE_MISSING, message)
        return source
