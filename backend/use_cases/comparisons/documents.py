from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from backend.domain.consistency import Ages, Finding, FindingKind, Page
from backend.use_cases.comparisons.base import MergedPage
from backend.use_cases.ports import (
    ConsistencyRepairs,
    ConsistencyRows,
    DocumentInventory,
    DocumentStore,
    HeldDocument,
    KnownDocument,
)

Merged = MergedPage[HeldDocument, KnownDocument]


@dataclass(frozen=True, slots=True)
class DocumentsComparison:
    """The metadata documents and the media they describe."""

    rows: ConsistencyRows
    repairs: ConsistencyRepairs
    inventory: DocumentInventory
    documents: DocumentStore

    name: ClassVar[str] = "documents"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        start = UUID(after) if after else None
        held = await self.inventory.documents(start, most)
        known = await self.rows.documents(start, most)
        merged = Merged.of(
            {str(each.blob_id): each for each in held},
            {str(each.blob_id): each for each in known},
            most,
        )
        findings = [*await self._unowned(merged, ages), *await self._missing(merged)]
        return Page(findings, merged.compared, merged.until)

    async def repair(self, finding: Finding) -> bool:
        blob_id = UUID(finding.key)
        if finding.kind == FindingKind.DOCUMENT_UNOWNED:
            return await self._remove(blob_id)
        return await self.repairs.lose_document(blob_id, await self._sha256(blob_id))

    async def _unowned(self, merged: Merged, ages: Ages) -> list[Finding]:
        unowned = merged.unowned.values()
        owned = await self.rows.owned_documents([held.blob_id for held in unowned])
        kind = FindingKind.DOCUMENT_UNOWNED
        return ages.unowned(
            (Finding(kind, str(held.blob_id)), held.saved_at)
            for held in unowned
            if held.blob_id not in owned
        )

    async def _missing(self, merged: Merged) -> list[Finding]:
        missing = [
            known.blob_id
            for key, known in merged.known.items()
            if known.needed and self._sha256_of(merged.held.get(key)) != known.sha256
        ]
        media = await self.rows.media_with(missing)
        return [
            Finding(FindingKind.DOCUMENT_MISSING, str(blob_id), media.get(blob_id))
            for blob_id in missing
        ]

    @staticmethod
    def _sha256_of(held: HeldDocument | None) -> str:
        return "" if held is None else held.sha256

    async def _sha256(self, blob_id: UUID) -> str:
        found = await self.documents.find(blob_id)
        return "" if found is None else found.sha256

    async def _remove(self, blob_id: UUID) -> bool:
        """Uuids are never reused: a document without a row now will never get one."""
        if await self.rows.owned_documents([blob_id]):
            return False
        await self.documents.remove(blob_id)
        return True
