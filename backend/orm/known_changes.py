"""Transactions of which readers are told."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from backend.domain.errors import Unavailable
from backend.domain.freshness import Scope
from backend.use_cases.ports import Freshness

R = TypeVar("R")


class KnownChanges:
    """Makes known what transactions have changed, after their commit.

    One whose outcome is unknown may have been committed, so it is made known too; but
    nobody waits for that, for nothing was promised. A refusal has changed nothing.
    """

    def __init__(self, freshness: Freshness) -> None:
        self._freshness = freshness
        # The loop itself does not hold on to a task whose request has left.
        self._under_way: set[asyncio.Task[Any]] = set()

    async def changing(
        self,
        work: Coroutine[Any, Any, R],
        *scopes: Scope,
        also: Callable[[R], Iterable[Scope]] = lambda _: (),
    ) -> R:
        """No reader is shown the state before once this returns.

        `also` says what else the result has changed. A transaction goes on when its
        request is cancelled, so it is made known too.
        """
        changed = self._freshness.changed
        task = asyncio.create_task(self._told(work, scopes, changed, also))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def touching(self, work: Coroutine[Any, Any, R], *scopes: Scope) -> R:
        """Readers may be shown the state before for a while."""
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
