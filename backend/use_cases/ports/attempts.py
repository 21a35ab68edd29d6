"""How often somebody has tried, and where from he came before."""

from collections.abc import Sequence
from typing import Protocol

from backend.domain.attempts import Allowance, Place


class AttemptLimiter(Protocol):
    """Counts attempts in sliding windows; works in any weather."""

    async def take(self, allowances: Sequence[Allowance]) -> Place:
        """A place under every key, or none at all, in one step.

        Raises `TooManySignIns`.
        """

    async def give_back(self, place: Place) -> None:
        """The attempt counts no longer. Never raises."""


class FamiliarClients(Protocol):
    """Remembers from where an account was used. No method raises."""

    async def knows(self, key: str) -> bool:
        """False as well where nobody can tell."""

    async def remember(self, key: str) -> None: ...
