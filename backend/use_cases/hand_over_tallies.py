from dataclasses import dataclass

from backend.domain.errors import DatabaseAway
from backend.use_cases.ports.metrics import CountedTallies, TallyLedger


@dataclass(frozen=True, slots=True)
class HandOverTallies:
    """Hands the counts of this worker over to PostgreSQL, where every API can read
    them."""

    counted: CountedTallies
    ledger: TallyLedger

    async def execute(self) -> None:
        """Raises `DatabaseAway`; then nothing is lost, and nothing counted twice unless
        a commit was not answered."""
        tallies = self.counted.take()
        if not tallies:
            return
        try:
            await self.ledger.add(tallies)
        except DatabaseAway:
            self.counted.give_back(tallies)
            raise
