"""Checks of whether the stores answer."""

from typing import Protocol

from backend.domain.health import Pulse


class StoreCheck(Protocol):
    """Sends a trivial request to one store."""

    async def ask(self) -> None:
        """Return if it answers; raises a `MediaProjectError` or `OSError` if not."""


class PulseReader(Protocol):
    """Reads the pulse from PostgreSQL, which is also its health check."""

    async def read(self) -> Pulse:
        """Raises `DatabaseAway`, `DatabaseSilent`."""
