"""What a person on call reads and changes by hand."""

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

    Those with an operator check the account, its session and rights again in each
    transaction, and raise `InvalidToken`, `RightMissing`.
    """

    async def count_failed(self, which: FailedJobs) -> FailedCount: ...

    async def failed(
        self, which: FailedJobs, until: datetime, after: UUID | None, most: int
    ) -> list[FailedJob]:
        """The failed jobs opened until then, in the order of their uuids."""

    async def reopen(
        self, jobs: Sequence[FailedJob], operator: Operator, request_id: str
    ) -> Reopened:
        """Each in its own transaction; the changes are made known before it returns."""

    async def pause(self, kind: JobKind, operator: Operator, reason: str) -> Paused:
        """No attempt of this kind begins once this has returned."""

    async def resume(self, kind: JobKind, operator: Operator) -> bool:
        """False if it was not paused."""

    async def pauses(self) -> list[Pause]: ...

    async def stuck(self, longer_than: timedelta, most: int) -> Stuck:
        """Jobs that have waited longer than that, have lost their worker, or have
        failed."""
