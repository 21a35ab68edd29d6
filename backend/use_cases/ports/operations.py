"""What a person on call asks and changes, by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from backend.domain.jobs import JobKind
from backend.domain.operations import (
    FailedCount,
    FailedJob,
    FailedJobs,
    Operator,
    Pause,
    Paused,
    Reopened,
    Stuck,
)


class JobOperations(Protocol):
    """Every method raises `DatabaseAway`.

    Those with an operator look at the account, its session and rights again in each
    transaction, and raise `InvalidToken`, `RightMissing`.
    """

    async def count_failed(self, which: FailedJobs) -> FailedCount: ...

    async def failed(
        self, which: FailedJobs, until: datetime, after: UUID | None, most: int
    ) -> list[FailedJob]:
        """Those opened until then, in the order of their uuids."""

    async def reopen(
        self, jobs: Sequence[FailedJob], operator: Operator, request_id: str
    ) -> Reopened:
        """Each in a transaction of its own; readers are told before it returns."""

    async def pause(self, kind: JobKind, operator: Operator, reason: str) -> Paused:
        """No attempt of this kind begins once this has returned."""

    async def resume(self, kind: JobKind, operator: Operator) -> bool:
        """False if it was not paused."""

    async def pauses(self) -> list[Pause]: ...

    async def stuck(self, longer_than: timedelta, most: int) -> Stuck:
        """What waits longer than that, has lost its worker, or has failed."""
