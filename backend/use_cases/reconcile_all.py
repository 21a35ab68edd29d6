from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backend.domain.consistency import Ages, Finding, Outcome, Repair, Round
from backend.domain.errors import DatabaseAway, Unavailable
from backend.domain.failures import JobFailed
from backend.use_cases.comparisons.base import ENTRIES_PER_PAGE, Comparison
from backend.use_cases.comparisons.repairing import Repairing
from backend.use_cases.ports import ConsistencyRows, Reconciliations

Tell = Callable[[Outcome], None]


@dataclass(slots=True)
class Reconciled:
    """How a whole round ended; `away` gives the reason for each comparison that
    failed."""

    away: dict[str, str] = field(default_factory=dict)
    compared: int = 0
    found: int = 0
    repaired: int = 0
    remaining: int = 0

    def count(self, outcome: Outcome) -> None:
        self.found += 1
        self.repaired += outcome.repair == Repair.DONE
        self.remaining += outcome.remains


@dataclass(frozen=True, slots=True)
class ReconcileAll:
    """Compares all stores now, by order of a person, and repairs on request.

    The number of findings does not matter, because a person has decided; but things
    older than the database are left.
    """

    comparisons: Sequence[Comparison]
    rows: ConsistencyRows
    reconciliations: Reconciliations

    async def execute(self, tell: Tell, *, apply: bool) -> Reconciled:
        """Reports each outcome as soon as it is known.

        Raises `DatabaseAway`. The report is written if no store was away.
        """
        ages = await self.rows.ages()
        whole = _WholeRound(ages, tell, apply)
        for comparison in self.comparisons:
            try:
                await whole.compare(comparison)
            except DatabaseAway:
                raise
            except (Unavailable, JobFailed) as error:
                whole.reconciled.away[comparison.name] = str(error)
        if not whole.reconciled.away:
            await self.reconciliations.report(ages.now, whole.round.all_outcomes)
        return whole.reconciled


class _WholeRound:
    """One run: what it has come to so far."""

    def __init__(self, ages: Ages, tell: Tell, apply: bool) -> None:
        self.round = Round(ages.now)
        self.reconciled = Reconciled()
        self._ages = ages
        self._tell = tell
        self._apply = apply

    async def compare(self, comparison: Comparison) -> None:
        after: str | None = ""
        while after is not None:
            page = await comparison.page(after, ENTRIES_PER_PAGE, self._ages)
            self.reconciled.compared += page.compared
            outcomes = [await self._outcome(comparison, one) for one in page.findings]
            self.round.advance(comparison.name, page.until, outcomes)
            after = page.until

    async def _outcome(self, comparison: Comparison, finding: Finding) -> Outcome:
        outcome = Outcome(finding)
        if self._apply:
            outcome = await Repairing.of(comparison, finding)
        self.reconciled.count(outcome)
        self._tell(outcome)
        return outcome
