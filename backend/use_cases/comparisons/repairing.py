import structlog

from backend.domain.consistency import Finding, Outcome, Repair
from backend.domain.errors import StagingAway
from backend.domain.failures import JobFailed
from backend.use_cases.comparisons.base import Comparison

log = structlog.get_logger(__name__)


class Repairing:
    """Repairs findings one by one and writes each repair to the log."""

    @classmethod
    async def of(cls, comparison: Comparison, finding: Finding) -> Outcome:
        """Findings that are left are not repaired.

        A refused repair is left too, with the reason: it would be refused again in the
        next turn, and others must not wait for it. Raises what the comparison raises
        when a store is away.
        """
        if finding.left:
            return Outcome(finding)
        try:
            return await cls._repaired(comparison, finding)
        except (JobFailed, StagingAway) as error:
            log.warning(
                "consistency.refused", kind=finding.kind.value, reason=str(error)
            )
            return Outcome(finding.leaving(str(error)))

    @staticmethod
    async def _repaired(comparison: Comparison, finding: Finding) -> Outcome:
        done = await comparison.repair(finding)
        repair = Repair.DONE if done else Repair.CLAIMED
        log.info(
            "consistency.repaired" if done else "consistency.claimed_meanwhile",
            kind=finding.kind.value,
            key=finding.key,
            media=str(finding.media) if finding.media else None,
            action=finding.action,
        )
        return Outcome(finding, repair)
