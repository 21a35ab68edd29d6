"""Transactions whose changes are made known to readers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from backend.domain.errors import Unavailable
from backend.domain.freshness import Scope
from backend.use_cases.ports import Freshness

R = TypeVar("R")


class KnownChanges:
    """Makes known what transactions have changed, after their commit.

    A transaction with an unknown outcome may have been committed, so it is made known
    too, but without waiting, as nothing was promised. A refusal has changed nothing.
    """

    def __init__(self, freshness: Freshness) -> None:
        self._freshness = freshness
        # The loop itself keeps no reference to a task whose request has left.
        self._under_way: set[asyncio.Task[Any]] = set()

    async def changing(
        self,
        work: Coroutine[Any, Any, R],
        *scopes: Scope,
        also: Callable[[R], Iterable[Scope]] = lambda _: (),
    ) -> R:
        """Once this returns no reader is shown the earlier state.

        `also` gives further scopes that the result has changed. The transaction
        continues when its request is cancelled, so making it known does too.
        """
        changed = self._freshness.changed
        task = asyncio.create_task(self._told(work, scopes, changed, also))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def touching(self, work: Coroutine[Any, Any, R], *scopes: Scope) -> R:
        """Readers may be shown the earlier state for a while."""
        return await self._told(work, scopes, self._freshness.touched)

    async def _told(
        self,
        work: Coroutine[Any, Any, R],
        scopes: tuple[Scope, ...],
        tell: Callable[..., Awaitable[None]],
        also: Callable[[R], Iterable[Scope]] = lambda _: (),
    ) -> R:
        try:
            result = await work
        except Unavailable:
            await self._freshness.touched(*scopes)
            raise
        await tell(*scopes, *also(result))
        return result
