"""Turns to compare the stores, and their results."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from backend.domain.consistency import Outcome, Round
from backend.orm.database_threads import DatabaseThreads
from backend.orm.intervals import FromNow
from backend.orm.models import ConsistencyReport, Reconciliation
from backend.orm.outcomes_json import OutcomesJson
from backend.orm.round_json import RoundJson
from backend.orm.transactions import Transactions
from backend.use_cases.ports import Turn

# From the end of a turn to the beginning of the next.
PAUSE = timedelta(seconds=10)
# Six comparisons of 5 s at most; a worker that takes longer has died in its turn.
LONGEST_TURN = timedelta(seconds=30)

_CLAIM = """
    INSERT INTO reconciliation AS r (id, turn, due_at, started_at)
    VALUES (1, 1, statement_timestamp() + make_interval(secs => %(longest)s), statement_timestamp())
    ON CONFLICT (id) DO UPDATE
       SET turn = r.turn + 1,
           due_at = excluded.due_at,
           started_at = CASE WHEN r.places = '{}' THEN excluded.started_at
                             ELSE r.started_at END
     WHERE r.due_at <= statement_timestamp()
    RETURNING *
"""


class DjangoReconciliations:
    """The `Reconciliations` port. All times are by the clock of the database."""

    def __init__(self, threads: DatabaseThreads, pause: timedelta = PAUSE) -> None:
        self._transactions = Transactions(threads)
        self._pause = pause

    async def claim(self) -> Turn | None:
        return await self._transactions.run(self._claim)

    async def end(self, turn: Turn, *, whole: bool) -> None:
        await self._transactions.run(self._end, turn, whole)

    async def report(self, started_at: datetime, outcomes: Sequence[Outcome]) -> None:
        await self._transactions.run(self._report, started_at, outcomes)

    @staticmethod
    def _claim() -> Turn | None:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"longest": LONGEST_TURN.total_seconds()})
            if cursor.fetchone() is None:
                return None
        row = Reconciliation.objects.get()
        return Turn(row.turn, RoundJson.load(row))

    @transaction.atomic
    def _end(self, turn: Turn, whole: bool) -> None:
        round_ = turn.round
        mine = Reconciliation.objects.filter(turn=turn.number)
        kept = self._anew(round_) if whole else RoundJson.dump(round_)
        if mine.update(due_at=FromNow(self._pause), **kept) and whole:
            self._report(round_.started_at, round_.all_outcomes)

    @staticmethod
    def _anew(round_: Round) -> dict[str, Any]:
        return {"places": {}, "outcomes": {}, "after_mass": round_.has_mass}

    @staticmethod
    @transaction.atomic
    def _report(started_at: datetime, outcomes: Sequence[Outcome]) -> None:
        report = ConsistencyReport.objects.create(
            started_at=started_at,
            finished_at=Now(),
            findings=OutcomesJson.dump(list(outcomes)),
        )
        ConsistencyReport.objects.exclude(pk=report.pk).delete()
