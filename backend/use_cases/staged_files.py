from dataclasses import dataclass

import structlog

from backend.domain.errors import StagingAway
from backend.use_cases.ports import StagedNames, Staging

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StagedFiles:
    """Staged files that no row relies on any more, to be removed if possible."""

    staging: Staging

    async def remove(self, names: StagedNames) -> None:
        """Never raises: the comparison of the stores finds what is left behind."""
        for name in names:
            try:
                await self.staging.remove(name)
            except StagingAway as error:
                log.warning("staging.not_removed", name=str(name), reason=str(error))
