"""Cached answers, and how they become outdated."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from backend.domain.freshness import Scope


class Freshness(Protocol):
    """Makes changes known, after their commit. No method raises."""

    async def changed(self, *scopes: Scope) -> None:
        """Once this returns, no earlier answer is shown.

        If the change cannot be made known, this takes as long as cached answers live.
        Await it without holding a lock or a thread.
        """

    async def touched(self, *scopes: Scope) -> None:
        """The same for changes that nobody waits for: earlier answers may live on.

        For changes by workers, and for new media.
        """


class AnswerCache(Protocol):
    """Keeps ready answers for a short time.

    If it is away every read is a miss, never an error.
    """

    async def answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        """A recent result of `make` if none of the scopes has changed since, else a new
        one.

        `key` identifies the answer within the scopes. Errors of `make` are raised and
        not kept; very large results are not kept either. Simultaneous callers of the
        same key wait for one `make`. Raises `DatabaseAway` if that takes too long.

        An answer made from another one may be as old as both together, so their
        `share`s of the lifetime must not add up to more than one.
        """

    async def first_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        request: str,
    ) -> bytes:
        """The same for the first that a request asks for.

        `request` identifies the request, or is empty if it changes something. The whole
        answer of an equal earlier request is read in the same round trip, for the next
        call of `whole_answer` or `foreseen` in this context.
        """

    async def whole_answer(
        self,
        key: str,
        scopes: Sequence[Scope],
        make: Callable[[], Awaitable[bytes]],
        share: float = 1.0,
    ) -> bytes:
        """The same for an answer that depends only on the request."""

    def foreseen(self) -> bytes | None:
        """What `whole_answer` would return, if an equal request was answered before.

        None if the answer is unknown or would have to be made.
        """
