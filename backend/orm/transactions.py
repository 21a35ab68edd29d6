"""How ledgers run their transactions."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from backend.domain.errors import CommitUnknown, DatabaseSilent
from backend.domain.failures import FailureCode, JobFailed
from backend.orm.database_threads import DatabaseThreads
from backend.orm.deadlocks import DeadlockRetry
from backend.orm.held_job import LeaseLost

P = ParamSpec("P")
R = TypeVar("R")


class Transactions:
    """Runs units of work on database threads, again if they meet a deadlock.

    Raises `DatabaseAway` besides what a unit raises.
    """

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads
        self._deadlocks = DeadlockRetry()

    async def run(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._threads.run(
            lambda: self._deadlocks.run(unit, *args, **kwargs)
        )

    async def commit(
        self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """For transactions that take over a staged file. Raises `CommitUnknown` too."""
        try:
            return await self.run(unit, *args, **kwargs)
        except DatabaseSilent as error:
            raise CommitUnknown from error

    async def held(self, unit: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """For writes of a running attempt.

        Raises `JobFailed` with `lease_lost` in place of `LeaseLost`.
        """
        try:
            return await self.run(unit, *args, **kwargs)
        except LeaseLost as error:
            message = "Another worker has the job."
            raise JobFailed(FailureCode.LEASE_LOST, message) from error
