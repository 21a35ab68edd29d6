from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from backend.domain.consistency import Ages, Finding, FindingKind, Page
from backend.use_cases.ports import ConsistencyRepairs, ConsistencyRows


@dataclass(frozen=True, slots=True)
class UnusedBlobsComparison:
    """The rows of blobs and those that refer to them.

    What the other stores have of such a blob is without an owner once its row is gone.
    """

    rows: ConsistencyRows
    repairs: ConsistencyRepairs

    name: ClassVar[str] = "unused_blobs"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        unused = await self.rows.unused_blobs(UUID(after) if after else None, most)
        findings = [
            Finding(FindingKind.BLOB_UNUSED, str(blob_id))
            for blob_id in unused.blob_ids
        ]
        until = str(unused.until) if unused.until else None
        return Page(findings, unused.compared, until)

    async def repair(self, finding: Finding) -> bool:
        return await self.repairs.forget_blob(UUID(finding.key))
