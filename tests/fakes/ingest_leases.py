"""Ingest leases of a single process, for unit tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from backend.use_cases.ports import KnownBlob


class InMemoryIngestLeases:
    """Nobody waits; `blobs` is the index and `held` what is under way."""

    def __init__(self) -> None:
        self.blobs: dict[str, UUID] = {}
        self.held: list[str] = []

    @asynccontextmanager
    async def declared(self, owner_id: UUID, sha256: str) -> AsyncIterator[None]:
        async with self._holding(sha256):
            yield

    @asynccontextmanager
    async def received(self, sha256: str) -> AsyncIterator[KnownBlob]:
        known = KnownBlob(self.blobs.get(sha256))
        async with self._holding(sha256):
            yield known
            if known.uuid is not None:
                self.blobs[sha256] = known.uuid

    @asynccontextmanager
    async def _holding(self, sha256: str) -> AsyncIterator[None]:
        self.held.append(sha256)
        try:
            yield
        finally:
            self.held.remove(sha256)
