"""Removes what is no longer needed, little by little."""

import time
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 3_600.0
# A tombstone takes its jobs and their attempts with it, and a sweep must be short.
MOST_AT_ONCE = 100


class Purge(ABC):
    """It may be called at any rate.

    It works once an hour, and continues with the next call while there is more.
    """

    event: ClassVar[str]

    def __init__(
        self,
        interval_seconds: float = INTERVAL_SECONDS,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._most_at_once = most_at_once
        self._next_look = 0.0

    async def execute(self) -> None:
        """Raises `DatabaseAway`."""
        if time.monotonic() < self._next_look:
            return
        purged = await self._forget(self._most_at_once)
        if purged:
            log.info(self.event, count=purged)
        if purged < self._most_at_once:
            self._next_look = time.monotonic() + self._interval_seconds

    @abstractmethod
    async def _forget(self, most: int) -> int:
        """Returns how many there were, at most this many."""
