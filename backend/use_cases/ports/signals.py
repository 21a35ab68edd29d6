"""What processes tell each other; and the time."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from backend.domain.jobs import JobKind


@dataclass(slots=True)
class KnownBlob:
    """The blob of some bytes, according to other uploads; only a hint."""

    uuid: UUID | None = None


class IngestLeases(Protocol):
    """Spares parallel uploads of the same bytes from doing the same work twice.

    Purely an optimisation: no method raises, nobody waits for others longer than 2 s,
    and without hints everybody works alone. A lease ends with its block, or a few
    seconds after its holder was killed.
    """

    def declared(
        self, owner_id: UUID, sha256: str
    ) -> AbstractAsyncContextManager[None]:
        """Waits for an upload of the same owner that declared the same bytes."""

    def received(self, sha256: str) -> AbstractAsyncContextManager[KnownBlob]:
        """Waits for another upload of the same bytes, unless their blob is known.

        What the caller sets in the value is passed on to others if the block ends
        without an error.
        """


class Doorbell(Protocol):
    """Tells workers that there is work. Never raises: the sweeper rings again."""

    async def ring(
        self, media_id: UUID, kinds: Iterable[JobKind], request_id: str
    ) -> None: ...

    async def waiting(self, kind: JobKind) -> int | None:
        """How many messages wait in the queue of this kind; None if Redis is away."""


class Clock(Protocol):
    """The time of this process, in UTC."""

    def now(self) -> datetime: ...
