"""The base of actors: registration, and the log context of messages."""

from abc import ABC, abstractmethod
from typing import ClassVar
from uuid import UUID

import dramatiq
import structlog
from dramatiq.middleware import CurrentMessage

from backend.domain.jobs import JobKind
from backend.use_cases.ports.tracing import UNTRACED, Tracer


class BaseActor(ABC):
    """A thin object around a use case, safe to run twice.

    The message is only a doorbell: whether there is work, and whether it is tried
    again, is decided by the ledger. Queue and actor are named like the job kind.
    """

    kind: ClassVar[JobKind]
    _tracer: Tracer = UNTRACED

    def register(self, broker: dramatiq.Broker, tracer: Tracer = UNTRACED) -> None:
        self._tracer = tracer
        declare = dramatiq.actor(
            broker=broker,
            actor_name=self.kind.value,
            queue_name=self.kind.value,
            max_retries=0,
            notify_shutdown=True,
        )
        declare(self._receive)

    @abstractmethod
    async def perform(self, media_id: UUID) -> None:
        """Run one attempt of the open job of this kind, if there is one to claim."""

    async def _receive(self, media_id: str) -> None:
        message = CurrentMessage.get_current_message()
        options = message.options if message else {}
        names = {
            "request_id": options.get("request_id", ""),
            "kind": self.kind.value,
            "media_id": media_id,
        }
        parent = options.get("traceparent", "")
        with (
            structlog.contextvars.bound_contextvars(**names),
            self._tracer.span(f"job {self.kind.value}", names, parent),
        ):
            await self.perform(UUID(media_id))
