"""How long a request may wait for the stores, all its waits together."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import ClassVar, Optional

# The message of a cancellation that leaves time to end properly.
UNHURRIED = "unhurried"


class Patience:
    """Waits for stores, bounded one by one and, within a request, as a sum.

    Every adapter has a limit of its own, but a request asks several stores, and one of
    them several times. Only waiting for stores counts: a body may arrive slowly.
    Outside a request (in a worker, in a command) the sum has no bound.
    """

    _OF_REQUEST: ClassVar[ContextVar[Optional["Patience"]]] = ContextVar(
        "patience", default=None
    )

    def __init__(self, seconds: float) -> None:
        self._left_seconds = seconds

    @classmethod
    @contextmanager
    def of_request(cls, seconds: float) -> Iterator[None]:
        """Bound the waits inside the block, including those of tasks that it starts."""
        token = cls._OF_REQUEST.set(cls(seconds))
        try:
            yield
        finally:
            cls._OF_REQUEST.reset(token)

    @classmethod
    def is_spent(cls) -> bool:
        patience = cls._OF_REQUEST.get()
        return patience is not None and patience._left_seconds <= 0

    @classmethod
    def spare_seconds(cls, kept_seconds: float) -> float:
        """How long the request may still wait for something optional."""
        patience = cls._OF_REQUEST.get()
        if patience is None:
            return math.inf
        return max(0.0, patience._left_seconds - kept_seconds)

    @classmethod
    @asynccontextmanager
    async def waiting(cls, most_seconds: float) -> AsyncIterator[None]:
        """Raises `TimeoutError` after this time, or when the request has waited
        enough."""
        patience = cls._OF_REQUEST.get()
        if patience is None:
            async with asyncio.timeout(most_seconds):
                yield
            return
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(most_seconds, patience._left_seconds)):
                yield
        finally:
            patience._left_seconds -= time.monotonic() - began
