from dataclasses import dataclass
from typing import ClassVar

from backend.domain.consistency import (
    Ages,
    Finding,
    FindingKind,
    Page,
    UnownedUpload,
)
from backend.domain.media import ObjectKey
from backend.use_cases.ports import (
    ConsistencyRepairs,
    ConsistencyRows,
    HeldUpload,
    ObjectInventory,
)


@dataclass(frozen=True, slots=True)
class UploadsComparison:
    """Unfinished multipart uploads, whose parts take room unseen."""

    rows: ConsistencyRows
    repairs: ConsistencyRepairs
    inventory: ObjectInventory

    name: ClassVar[str] = "uploads"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        held = await self.inventory.unfinished()
        owned = await self.rows.owned_uploads(held)
        findings = ages.unowned(
            (self._finding(upload), upload.begun_at)
            for upload in held
            if upload.upload_id not in owned
        )
        return Page(findings, len(held))

    async def repair(self, finding: Finding) -> bool:
        """The next attempt on the blob begins an upload with another id."""
        if finding.upload is None:
            return False
        named = finding.upload
        upload = HeldUpload(ObjectKey(finding.key), named.upload_id, named.begun_at)
        if not await self.repairs.give_up_upload(upload):
            return False
        await self.inventory.abort(upload)
        return True

    @staticmethod
    def _finding(upload: HeldUpload) -> Finding:
        named = UnownedUpload(upload.upload_id, upload.begun_at)
        return Finding(FindingKind.UPLOAD_UNOWNED, str(upload.key), upload=named)
