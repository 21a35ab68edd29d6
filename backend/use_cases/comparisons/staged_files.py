from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from backend.domain.consistency import Ages, Finding, FindingKind, Page
from backend.use_cases.ports import (
    ConsistencyRepairs,
    ConsistencyRows,
    StagedInventory,
)
from backend.use_cases.ports.metrics import UNOBSERVED, StagedObserver


@dataclass(frozen=True, slots=True)
class StagedFilesComparison:
    """What is staged, in a folder or in the store, and the rows that own its files.

    It is listed whole each time, which is quick; rows are asked for a page.
    """

    rows: ConsistencyRows
    repairs: ConsistencyRepairs
    inventory: StagedInventory
    observer: StagedObserver = UNOBSERVED

    name: ClassVar[str] = "staged_files"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        all_ = await self.inventory.files()
        self.observer.staged(len(all_), sum(file.size_bytes for file in all_))
        held = [file for file in all_ if str(file.name) > after]
        files = sorted(held, key=lambda file: file.name)[:most]
        owned = await self.rows.owned_files([file.name for file in files])
        kind = FindingKind.STAGED_FILE_UNOWNED
        findings = ages.unowned(
            (Finding(kind, str(file.name)), file.changed_at)
            for file in files
            if file.name not in owned
        )
        until = str(files[-1].name) if len(held) > most else None
        return Page(findings, len(files), until)

    async def repair(self, finding: Finding) -> bool:
        return await self.repairs.remove_staged(UUID(finding.key))
