"""A file on its way into the object store: parts are sent while more bytes come."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from backend.adapters.disk import DiskThreads
from backend.adapters.s3_staged_objects import S3StagedObjects, StagedPart
from backend.domain.errors import StagingAway, StorageFull
from backend.domain.media import StagedFile
from backend.use_cases.ports import StagedHolds

_LOG = structlog.get_logger(__name__)


class PartBuffer:
    """Hashes what comes and cuts it into parts of one size."""

    def __init__(self, part_bytes: int) -> None:
        self.size_bytes = 0
        self.filling = bytearray()
        self._part_bytes = part_bytes
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        return self._hash.digest()

    def add(self, batch: bytes | bytearray | memoryview) -> list[bytearray]:
        """The parts that have become full."""
        self._hash.update(batch)
        self.size_bytes += len(batch)
        full, rest = [], memoryview(batch)
        while rest:
            room = self._part_bytes - len(self.filling)
            self.filling += rest[:room]
            rest = rest[room:]
            if len(self.filling) == self._part_bytes:
                full.append(self.filling)
                self.filling = bytearray()
        return full


class StagedUpload:
    """The parts of one file that were sent. Blocking, one call at a time."""

    # No store takes more of them for one object.
    MOST_PARTS: Final = 10_000

    def __init__(self, name: UUID, objects: S3StagedObjects) -> None:
        self._name = name
        self._objects = objects
        self._upload_id: str | None = None
        self._parts: list[StagedPart] = []

    def send(self, content: bytearray) -> None:
        """Raises `StagingAway` and `StorageFull`."""
        if len(self._parts) == self.MOST_PARTS:
            raise StorageFull("The file has more parts than the object store takes.")
        if self._upload_id is None:
            self._upload_id = self._objects.begin(self._name)
        number = len(self._parts) + 1
        part = self._objects.send(self._name, self._upload_id, number, content)
        self._parts.append(part)

    def finish(self, buffer: PartBuffer) -> None:
        """Durable when this returns. Raises `StagingAway` and `StorageFull`."""
        if self._upload_id is None:
            self._objects.put(self._name, buffer.filling, buffer.digest)
            return
        if buffer.filling:
            self.send(buffer.filling)
        self._objects.complete(self._name, self._upload_id, self._parts)


class S3IncomingFile:
    """The `IncomingFile` port; one part is sent while the next is filled.

    So it holds at most two parts, and a client that is faster than the store has to
    wait. `ended` is called when the file is no longer being received.
    """

    def __init__(
        self,
        name: UUID,
        objects: S3StagedObjects,
        holds: StagedHolds,
        hashers: DiskThreads,
        senders: DiskThreads,
        part_bytes: int,
        ended: Callable[[UUID], object],
    ) -> None:
        self.name = name
        self._objects = objects
        self._holds = holds
        self._hashers = hashers
        self._senders = senders
        self._ended = ended
        self._buffer = PartBuffer(part_bytes)
        self._upload = StagedUpload(name, objects)
        self._order = asyncio.Lock()
        self._sending: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._broken = False
        self._is_sealed = False

    @property
    def is_sealed(self) -> bool:
        return self._is_sealed

    @property
    def unsent(self) -> bytes | None:
        """All bytes while none has been sent; else None."""
        if self._sending is not None:
            return None
        return bytes(self._buffer.filling)

    async def write(self, batch: bytes | bytearray | memoryview) -> None:
        async with self._order:
            if self._ending is not None:  # Pending parts are no longer awaited.
                return
            try:
                full = await self._hashers.run(partial(self._buffer.add, batch))
                for part in full:
                    await self._send(partial(self._send_part, part))
            except BaseException:
                # Also when cancelled: later parts are never sent.
                self._broken = True
                raise

    def received(self) -> StagedFile:
        return self._described(sealed=False)

    async def seal(self) -> StagedFile:
        async with self._order:
            if self._broken:
                raise StagingAway("Not all bytes have been staged.")
            if not self._is_sealed:
                await self._send(self._finish)
                await self._sent()
            return self._described(sealed=True)

    async def keep(self) -> None:
        await self._end(self._keep)

    async def discard(self) -> None:
        await self._end(self._discard)

    async def _send(self, work: Callable[[], None]) -> None:
        """Waits for the part in progress. Raises what that has raised."""
        await self._sent()
        self._sending = asyncio.create_task(self._senders.run(work))

    async def _sent(self) -> None:
        if self._sending is not None:
            await asyncio.shield(self._sending)

    def _send_part(self, content: bytearray) -> None:
        self._holds.renew()
        self._upload.send(content)

    def _finish(self) -> None:
        if not self._is_sealed:
            self._upload.finish(self._buffer)
            self._is_sealed = True

    async def _end(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The first end counts, and completes even if its caller is cancelled."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._see_through(work))
        await asyncio.shield(self._ending)

    async def _see_through(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except (StagingAway, StorageFull) as error:
            # The caller cannot help; the sweep removes what is left without an owner.
            _LOG.warning("staging.not_ended", name=str(self.name), error=str(error))
        finally:
            await self._hashers.run(partial(self._holds.let_go, self.name))
            self._ended(self.name)

    async def _keep(self) -> None:
        await self.seal()

    async def _discard(self) -> None:
        """After the part in progress, which could otherwise recreate the upload."""
        async with self._order:
            if self._sending is None:
                return
            await asyncio.wait({self._sending})
            self._sending.exception()
            await self._senders.run(partial(self._objects.remove, self.name))

    def _described(self, sealed: bool) -> StagedFile:
        buffer = self._buffer
        return StagedFile(self.name, buffer.size_bytes, buffer.digest.hex(), sealed)
