from dataclasses import dataclass
from typing import ClassVar

from backend.domain.consistency import Ages, Finding, FindingKind, Page
from backend.use_cases.ports import ConsistencyRepairs, ConsistencyRows


@dataclass(frozen=True, slots=True)
class IdleMediaComparison:
    """Media that are not ready, and the jobs that would make them ready.

    Further media are found once this page is repaired.
    """

    rows: ConsistencyRows
    repairs: ConsistencyRepairs

    name: ClassVar[str] = "idle_media"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        idle = await self.rows.idle_media(most)
        findings = [
            Finding(FindingKind.MEDIA_WITHOUT_JOB, str(media_id), media_id)
            for media_id in idle
        ]
        return Page(findings, len(idle))

    async def repair(self, finding: Finding) -> bool:
        return finding.media is not None and await self.repairs.reopen(finding.media)
