"""The counts and levels of all workers, in one row for each series."""

import json
from collections.abc import Sequence

from django.db import connection, transaction

from backend.domain.tallies import Series, Tally
from backend.orm.models import WorkerTally
from backend.orm.transactions import Transactions

_ADD = """
INSERT INTO worker_tally AS old (series, counts, total) VALUES (%s, %s, %s)
ON CONFLICT (series) DO UPDATE
   SET total = old.total + excluded.total,
       counts = (SELECT array_agg(coalesce(a, 0) + coalesce(b, 0) ORDER BY place)
                   FROM unnest(old.counts, excluded.counts)
                        WITH ORDINALITY AS each (a, b, place))
"""
_REPLACE = """
INSERT INTO worker_tally (series, counts, total) VALUES (%s, %s, %s)
ON CONFLICT (series) DO UPDATE SET total = excluded.total
"""


class WorkerTallies(Transactions):
    """The `TallyLedger` port."""

    async def add(self, tallies: Sequence[Tally]) -> None:
        await self.run(self._add, tallies)

    @staticmethod
    def all() -> list[Tally]:
        """Series of other releases are left out."""
        found = []
        for row in WorkerTally.objects.order_by("series"):
            series = Series.of(json.loads(row.series))
            if series and len(row.counts) == len(series.measure.bounds) + 1:
                found.append(Tally(series, row.counts, row.total))
        return found

    @staticmethod
    @transaction.atomic
    def _add(tallies: Sequence[Tally]) -> None:
        """In a fixed order, so that two workers never deadlock."""
        levels = [tally for tally in tallies if tally.series.measure.is_level]
        counts = [tally for tally in tallies if not tally.series.measure.is_level]
        with connection.cursor() as cursor:
            for statement, told in ((_ADD, counts), (_REPLACE, levels)):
                rows = sorted(map(WorkerTallies._row, told))
                cursor.executemany(statement, rows)

    @staticmethod
    def _row(tally: Tally) -> tuple[str, list[int], float]:
        return json.dumps(tally.series.key), tally.counts, tally.total
