"""Lets parallel uploads of the same bytes know of each other through Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_lease import LEASE_SECONDS, RedisLease
from backend.adapters.redis_line import Answers, Command
from backend.domain.patience import Patience
from backend.use_cases.ports import KnownBlob

# How long an upload waits for a parallel one, and the patience it leaves for stores.
TWIN_SECONDS = 2.0
STORE_SECONDS = 2.0
FIRST_LOOK_SECONDS = 0.02
LAST_LOOK_SECONDS = 0.1
# PostgreSQL knows it without us; this only keeps the cache small.
INDEX_SECONDS = 24 * 3600


class RedisIngestLeases:
    """The `IngestLeases` port: `sha256` -> blob, and two leases for each sha256.

    A declared sha256 is not proven, so its key also has the owner: nobody waits for, or
    learns of, what another user only declares.
    """

    def __init__(
        self,
        redis: RedisHints,
        twin_seconds: float = TWIN_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._redis = redis
        self._twin_seconds = twin_seconds
        self._lease_seconds = lease_seconds

    @asynccontextmanager
    async def declared(self, owner_id: UUID, sha256: str) -> AsyncIterator[None]:
        lease = self._lease(f"ingest:declared:{owner_id}:{sha256}")
        try:
            await self._turn(lease)
            yield
        finally:
            await lease.release()

    @asynccontextmanager
    async def received(self, sha256: str) -> AsyncIterator[KnownBlob]:
        index = f"ingest:blob:{sha256}"
        lease = self._lease(f"ingest:received:{sha256}")
        known = KnownBlob()
        noted: list[Command] = []
        try:
            known.uuid = self._uuid(await self._turn(lease, ("GET", index)))
            yield known
            if known.uuid is not None:
                noted.append(("SET", index, str(known.uuid), "EX", INDEX_SECONDS))
        finally:
            await lease.release(*noted)

    def _lease(self, key: str) -> RedisLease:
        return RedisLease(self._redis, key, self._lease_seconds)

    async def _turn(self, lease: RedisLease, *reads: Command) -> Answers:
        """Wait until the lease is ours, or something was read, or patience is at an end."""
        answers = await lease.take(*reads)
        seconds = min(self._twin_seconds, Patience.spare_seconds(STORE_SECONDS))
        pause = FIRST_LOOK_SECONDS
        with suppress(TimeoutError):
            async with Patience.waiting(seconds):
                while self._is_someone_elses(answers):
                    await asyncio.sleep(pause)
                    pause = min(1.5 * pause, LAST_LOOK_SECONDS)
                    answers = await lease.take(*reads)
        return answers

    @staticmethod
    def _is_someone_elses(answers: Answers) -> bool:
        return answers is not None and not any(answers)

    @staticmethod
    def _uuid(answers: Answers) -> UUID | None:
        found = answers[1] if answers is not None else None
        try:
            return UUID(found.decode()) if found else None
        except ValueError:
            # Not a valid entry; PostgreSQL knows the blob.
            return None
