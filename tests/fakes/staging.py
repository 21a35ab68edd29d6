"""Staging in memory, for unit tests."""

import hashlib
from dataclasses import replace
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID, uuid4

from backend.domain.errors import StagingAway, StorageFull
from backend.domain.media import StagedFile


class InMemoryIncomingFile:
    def __init__(self, staging: "InMemoryStaging") -> None:
        self.name = uuid4()
        self.ended_as: str | None = None
        self._staging = staging
        staging.files[self.name] = bytearray()
        staging.receiving[self.name] = self

    async def write(self, batch: bytes | bytearray | memoryview) -> None:
        await self._staging.check_room(len(batch))
        self._staging.files[self.name] += batch
        self._staging.batch_sizes.append(len(batch))

    def received(self) -> StagedFile:
        content = self._staging.files[self.name]
        digest = hashlib.sha256(content).hexdigest()
        return StagedFile(self.name, len(content), digest, sealed=False)

    async def seal(self) -> StagedFile:
        return replace(self.received(), sealed=True)

    async def keep(self) -> None:
        self._end("kept")

    async def discard(self) -> None:
        if self._end("discarded"):
            del self._staging.files[self.name]

    def _end(self, how: str) -> bool:
        if self.ended_as is None:
            self.ended_as = how
            del self._staging.receiving[self.name]
            return True
        return False


class InMemoryStaging:
    """Room for `capacity_bytes`; `files` has every byte, `receiving` what is locked."""

    def __init__(self, capacity_bytes: int = 1 << 30) -> None:
        self.capacity_bytes = capacity_bytes
        self.files: dict[UUID, bytearray] = {}
        self.receiving: dict[UUID, InMemoryIncomingFile] = {}
        self.batch_sizes: list[int] = []

    async def receive(self) -> InMemoryIncomingFile:
        await self.check_room(0)
        return InMemoryIncomingFile(self)

    async def check_room(self, size_bytes: int) -> None:
        taken = sum(map(len, self.files.values()))
        if taken + size_bytes > self.capacity_bytes:
            raise StorageFull

    def holds(self, name: UUID, size_bytes: int) -> bool:
        return name in self.files and len(self.files[name]) == size_bytes

    async def open(self, name: UUID) -> BinaryIO | None:
        if name not in self.files:
            return None
        file = TemporaryFile()  # noqa: SIM115 - the caller closes it
        file.write(self.files[name])
        file.seek(0)
        return file

    async def remove(self, name: UUID) -> None:
        if name in self.receiving:
            raise StagingAway("The file is still being received.")
        self.files.pop(name, None)
