"""Counts of sign-in attempts, and the clients from which an account was used before."""

from collections.abc import Sequence
from typing import Protocol

from backend.domain.attempts import Allowance, Place


class AttemptLimiter(Protocol):
    """Counts attempts in sliding windows; works even if Redis is away."""

    async def take(self, allowances: Sequence[Allowance]) -> Place:
        """A place under every key, or none at all, in one step.

        Raises `TooManySignIns`.
        """

    async def give_back(self, place: Place) -> None:
        """The attempt no longer counts. Never raises."""


class FamiliarClients(Protocol):
    """Remembers from where an account was used. No method raises."""

    async def knows(self, key: str) -> bool:
        """False also if it is unknown."""

    async def remember(self, key: str) -> None: ...
