"""Reads of the findings of comparisons."""

from backend.domain.errors import ConsistencyNotKnown
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import ConsistencyReport


class ConsistencyRepository:
    """The reports of reconciliations."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def latest(self) -> ConsistencyReport:
        """Raises `ConsistencyNotKnown` and `DatabaseAway`."""
        return await self._threads.run(self._latest)

    @staticmethod
    def _latest() -> ConsistencyReport:
        report = ConsistencyReport.objects.order_by("finished_at", "pk").last()
        if report is None:
            raise ConsistencyNotKnown
        return report
