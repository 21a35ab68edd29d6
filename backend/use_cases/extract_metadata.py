from dataclasses import dataclass
from typing import ClassVar

from backend.domain.jobs import JobKind
from backend.domain.media import BlobRef
from backend.domain.metadata import BlobMetadata
from backend.domain.technical import TechnicalSummary
from backend.use_cases.blob_bytes import BlobBytes
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import (
    Claim,
    Clock,
    DocumentStore,
    MediaLedger,
    MetadataExtractor,
    StagedNames,
)
from backend.use_cases.run_job import Progress


@dataclass(frozen=True, slots=True)
class ExtractMetadata:
    """Reads the technical report of a media's bytes, unless it is known already.

    Readers rely on its sha256, so it is made only from exactly these bytes.
    """

    ledger: MediaLedger
    videos: BlobBytes
    extractor: MetadataExtractor
    documents: DocumentStore
    clock: Clock

    kind: ClassVar[JobKind] = JobKind.EXTRACT_METADATA

    def time_limit_seconds(self, claim: Claim) -> float:
        return self.videos.time_limit_seconds(claim.blob)

    async def run(self, claim: Claim, progress: Progress) -> StagedNames:
        known = await self.documents.find(claim.blob.uuid)
        if known is None or known.sha256 != claim.blob.sha256:
            Failpoints.reach("extract.reading", claim.media_id)
            known = await self._extract(claim.blob)
            await self.documents.save(known)
        Failpoints.reach("extract.saved", claim.media_id)
        progress.moved(claim.blob.size_bytes)
        summary = TechnicalSummary.of_tracks(known.report.tracks)
        return await self.ledger.mark_described(claim, summary)

    async def _extract(self, blob: BlobRef) -> BlobMetadata:
        with await self.videos.open_proven(blob) as source:
            report = await self.extractor.extract(source)
        return BlobMetadata(blob.uuid, blob.sha256, self.clock.now(), report)
