"""Cached answers, and what makes them old."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from backend.domain.freshness import Scope


class Freshness(Protocol):
    """Makes changes known, after their commit. No method raises."""

    async def changed(self, *scopes: Scope) -> None:
        """No answer from before is shown once this returns.

        Takes as long as cached answers live where the change cannot be made known. To
        be awaited with nothing held, no lock and no thread.
        """

    async def touched(self, *scopes: Scope) -> None:
        """The same for changes that nobody waits for: answers from before may live on.

        For what workers do, and for what is new.
        """


class AnswerCache(Protocol):
    """Keeps ready answers for a short while. A miss, never an error, when it is away."""

    async def answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        """What `make` returned lately, unless one of the scopes changed since, or now.

        `key` says which answer of the scopes it is. What `make` raises is raised and
        not kept; nor is what is very large. Those who ask for the same thing at once
        wait for one `make`. Raises `DatabaseAway` if that takes too long.

        An answer that is made of another may be as old as both together, so the `share`s
        of how long both are kept must not add up to more than one.
        """

    async def first_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        request: str,
    ) -> bytes:
        """The same for the first that a request asks for.

        `request` says what it is about, or nothing for one that changes something: what
        was the whole answer of one like it is looked at in the same round trip, for the
        next call of `whole_answer` or `foreseen` in this context.
        """

    async def whole_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        """The same for what answers a request, and goes by nothing but that request."""

    def foreseen(self) -> bytes | None:
        """What `whole_answer` would return if this request is answered as one like it.

        None where that would have to be made, or nobody knows what it is.
        """
