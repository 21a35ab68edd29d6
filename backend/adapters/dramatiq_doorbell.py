"""Rings for workers by sending Dramatiq messages over Redis."""

import asyncio
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar
from uuid import UUID

import structlog
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from backend.domain.jobs import JobKind
from backend.domain.patience import Patience
from backend.use_cases.ports.tracing import UNTRACED, Tracer

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

# After Redis has not answered, nobody waits for it again for this long.
PAUSE_SECONDS = 2.0
# The longest wait for the bell, whatever it is doing.
MOST_SECONDS = 2.0


class DramatiqDoorbell:
    """The `Doorbell` port: a message is sent to the queue named like the job kind.

    Sending is blocking Redis I/O and has its own thread. A failed send is only logged,
    because the job table is the outbox and the sweeper rings again.
    """

    def __init__(self, broker: RedisBroker, tracer: Tracer = UNTRACED) -> None:
        self._broker = broker
        self._tracer = tracer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="doorbell")
        self._silent_until = 0.0

    async def ring(
        self, media_id: UUID, kinds: Iterable[JobKind], request_id: str
    ) -> None:
        messages = [self._message(media_id, kind, request_id) for kind in kinds]
        await self._try(self._send, messages)

    async def waiting(self, kind: JobKind) -> int | None:
        return await self._try(self._queue_length, kind)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _message(self, media_id: UUID, kind: JobKind, request_id: str) -> Message[None]:
        options = {"request_id": request_id}
        if parent := self._tracer.traceparent():
            options["traceparent"] = parent
        return Message(
            queue_name=kind.value,
            actor_name=kind.value,
            args=(str(media_id),),
            kwargs={},
            options=options,
        )

    async def _try(
        self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        loop = asyncio.get_running_loop()
        rung = loop.run_in_executor(
            self._thread,
            copy_context().run,
            lambda: self._call(call, *args, **kwargs),
        )
        try:
            async with Patience.waiting(MOST_SECONDS):
                return await rung
        except TimeoutError:
            log.warning("doorbell.not_heard", reason="It is busy.")
            return None

    def _call(
        self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        if time.monotonic() < self._silent_until:
            return None
        try:
            return call(*args, **kwargs)
        except RedisError as error:
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            log.warning("doorbell.not_heard", reason=str(error))
            return None

    def _send(self, messages: list[Message[None]]) -> None:
        for message in messages:
            self._broker.enqueue(message)

    def _queue_length(self, kind: JobKind) -> int:
        # What lies in the list has not been fetched. Dramatiq's own count includes what
        # workers fetched and never acknowledged, which grows with every lost answer.
        name = f"{self._broker.namespace}:{kind.value}"
        length: int = self._broker.client.llen(name)
        return length
