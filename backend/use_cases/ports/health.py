"""What says whether the stores answer."""

from typing import Protocol

from backend.domain.health import Pulse


class StoreCheck(Protocol):
    """Asks one store for next to nothing."""

    async def ask(self) -> None:
        """Return if it answers; raises a `MediaProjectError` or `OSError` if not."""


class PulseReader(Protocol):
    """Asks PostgreSQL, which is its check as well."""

    async def read(self) -> Pulse:
        """Raises `DatabaseAway`, `DatabaseSilent`."""
