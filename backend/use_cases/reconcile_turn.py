import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from backend.domain.consistency import Ages, MassRule, Outcome, Round
from backend.domain.errors import Unavailable
from backend.domain.failures import JobFailed
from backend.use_cases.comparisons.base import ENTRIES_PER_PAGE, Comparison
from backend.use_cases.comparisons.repairing import Repairing
from backend.use_cases.ports import ConsistencyRows, Reconciliations

log = structlog.get_logger(__name__)

# For one comparison in a turn, so that other stores do not wait for a silent one.
MOST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ReconcileTurn:
    """Continues the comparison of the stores, a page of each, if it is our turn.

    A store that is away is left out: no conclusions are drawn, and the others continue.
    The same holds for a comparison for which the database was too slow.
    """

    comparisons: Sequence[Comparison]
    rows: ConsistencyRows
    reconciliations: Reconciliations
    mass_rule: MassRule = field(default_factory=MassRule)
    entries_per_page: int = ENTRIES_PER_PAGE

    async def execute(self) -> None:
        """Raises `DatabaseAway`."""
        turn = await self.reconciliations.claim()
        if turn is None:
            return
        ages = await self.rows.ages()
        for comparison in self.comparisons:
            await self._go_on(comparison, turn.round, ages)
        whole = turn.round.is_whole(each.name for each in self.comparisons)
        await self.reconciliations.end(turn, whole=whole)

    async def _go_on(self, comparison: Comparison, round_: Round, ages: Ages) -> None:
        try:
            async with asyncio.timeout(MOST_SECONDS):
                await self._compare(comparison, round_, ages)
        except (Unavailable, JobFailed) as error:
            log.warning(
                "reconcile.store_away", compared=comparison.name, reason=str(error)
            )
        except TimeoutError:
            # What has been repaired so far is not found again.
            log.warning("reconcile.cut", compared=comparison.name, seconds=MOST_SECONDS)
        # The boundary of a comparison: an unforeseen error in one keeps no other from
        # being made.
        except Exception:
            log.exception("reconcile.crashed", compared=comparison.name)

    async def _compare(self, comparison: Comparison, round_: Round, ages: Ages) -> None:
        after = round_.after(comparison.name)
        page = await comparison.page(after, self.entries_per_page, ages)
        findings = self.mass_rule.judge(
            page.findings,
            page.compared,
            is_wary=round_.is_wary,
            noted=round_.all_outcomes,
        )
        outcomes = [await Repairing.of(comparison, each) for each in findings]
        self._tell_of_left(comparison, outcomes)
        round_.advance(comparison.name, page.until, outcomes)

    @staticmethod
    def _tell_of_left(comparison: Comparison, outcomes: Sequence[Outcome]) -> None:
        if count := sum(outcome.remains for outcome in outcomes):
            log.warning("consistency.left", compared=comparison.name, count=count)
