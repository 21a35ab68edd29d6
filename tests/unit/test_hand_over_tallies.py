from collections.abc import Sequence

import pytest

from backend.adapters.tallies import Tallies
from backend.domain.errors import DatabaseAway
from backend.domain.jobs import AttemptOutcome, JobKind
from backend.domain.tallies import Measures, Series, Tally
from backend.use_cases.hand_over_tallies import HandOverTallies

UPLOAD = JobKind.UPLOAD_TO_CDN


class TallyLedgerInMemory:
    def __init__(self) -> None:
        self.is_away = False
        self.added: list[Tally] = []

    async def add(self, tallies: Sequence[Tally]) -> None:
        if self.is_away:
            raise DatabaseAway
        self.added.extend(tallies)


class TestHandOverTallies:
    async def test_nothing_is_lost_while_the_database_is_away(self) -> None:
        counted, ledger = Tallies(), TallyLedgerInMemory()
        hand_over = HandOverTallies(counted, ledger)
        counted.ended(UPLOAD, AttemptOutcome.SUCCEEDED, 0.1)
        ledger.is_away = True
        with pytest.raises(DatabaseAway):
            await hand_over.execute()
        counted.ended(UPLOAD, AttemptOutcome.SUCCEEDED, 2_000.0)
        ledger.is_away = False
        await hand_over.execute()
        await hand_over.execute()

        (tally,) = ledger.added
        assert tally.series == Series(Measures.ATTEMPT, (UPLOAD, "succeeded"))
        assert (tally.counts[0], tally.counts[-1], sum(tally.counts)) == (1, 1, 2)
        assert tally.total == 2_000.1

    async def test_of_a_level_the_newest_is_told(self) -> None:
        counted, ledger = Tallies(), TallyLedgerInMemory()
        hand_over = HandOverTallies(counted, ledger)
        counted.staged(1, 70)
        (old,) = (one for one in counted.take() if one.total == 70)
        counted.staged(2, 80)
        counted.give_back([old])
        await hand_over.execute()
        assert sorted(tally.total for tally in ledger.added) == [2, 80]

    def test_what_another_release_counted_is_left_out(self) -> None:
        assert Series.of(["nonsense", "x"]) is None
        assert Series.of(["attempt_seconds", "x"]) is None
        assert Series.of(["queue_wait_seconds", "x"]) is not None
