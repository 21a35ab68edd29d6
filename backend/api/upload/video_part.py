"""Takes the bytes of a video in: recognised first, then staged batch by batch."""

import asyncio

from backend.domain.containers import ContainerSniffer
from backend.domain.errors import EmptyFile, TooLarge, UnsupportedMedia
from backend.domain.media import VIDEO_LEAST_BYTES, Container, StagedFile
from backend.use_cases.ports import IncomingFile, Staging


class BatchWriter:
    """Fills one batch while the batch before it is hashed and written.

    Two buffers take turns, so an upload never holds more than two batches in memory.
    """

    def __init__(self, incoming: IncomingFile, batch_bytes: int) -> None:
        self._incoming = incoming
        self._batch_bytes = batch_bytes
        self._filling = bytearray(batch_bytes)
        self._filled_bytes = 0
        self._spare: bytearray | None = None
        self._in_flight: asyncio.Task[None] | None = None

    async def add(self, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest:
            taken = rest[: self._batch_bytes - self._filled_bytes]
            end = self._filled_bytes + len(taken)
            self._filling[self._filled_bytes : end] = taken
            self._filled_bytes = end
            rest = rest[len(taken) :]
            if end == self._batch_bytes:
                await self._hand_over()

    async def finish(self) -> None:
        if self._filled_bytes:
            await self._hand_over()
        await self._settle()

    async def abandon(self) -> None:
        if self._in_flight is not None:
            self._in_flight.cancel()
            await asyncio.gather(self._in_flight, return_exceptions=True)

    async def _hand_over(self) -> None:
        await self._settle()
        full, size = self._filling, self._filled_bytes
        batch = memoryview(full)[:size]
        self._in_flight = asyncio.create_task(self._incoming.write(batch))
        self._filling, self._spare = self._spare or bytearray(self._batch_bytes), full
        self._filled_bytes = 0

    async def _settle(self) -> None:
        if self._in_flight is not None:
            await self._in_flight


class VideoPart:
    """One video on its way in; `abandon` leaves nothing of it behind."""

    def __init__(
        self,
        staging: Staging,
        sniffer: ContainerSniffer,
        most_bytes: int,
        batch_bytes: int,
    ) -> None:
        self._staging = staging
        self._sniffer = sniffer
        self._most_bytes = most_bytes
        self._batch_bytes = batch_bytes
        self._size_bytes = 0
        self._head = bytearray()
        self._container: Container | None = None
        self._incoming: IncomingFile | None = None
        self._writer: BatchWriter | None = None

    async def add(self, piece: bytes) -> None:
        """Raises `TooLarge`, `UnsupportedMedia`, `StorageFull`."""
        self._size_bytes += len(piece)
        if self._size_bytes > self._most_bytes:
            raise TooLarge(f"The video has more than {self._most_bytes} bytes.")
        if self._writer is not None:
            await self._writer.add(piece)
            return
        self._head += piece
        if len(self._head) >= self._sniffer.head_bytes:
            await self._begin()

    async def end(self) -> None:
        """All bytes are there. Raises also `EmptyFile`."""
        if self._size_bytes < VIDEO_LEAST_BYTES:
            raise EmptyFile(f"The file has only {self._size_bytes} bytes.")
        writer = self._writer or await self._begin()
        await writer.finish()

    async def seal(self) -> tuple[IncomingFile, StagedFile, Container]:
        if self._incoming is None or self._container is None:
            raise RuntimeError("A video is sealed after its end")
        return self._incoming, await self._incoming.seal(), self._container

    async def abandon(self) -> None:
        if self._writer is not None:
            await self._writer.abandon()
        if self._incoming is not None:
            await self._incoming.discard()

    async def _begin(self) -> BatchWriter:
        """Nothing is stored before the video is recognised."""
        self._container = self._sniffer.recognise(bytes(self._head))
        if self._container is None:
            raise UnsupportedMedia(
                "The content is none of the video containers taken here."
            )
        self._incoming = await self._staging.receive()
        self._writer = BatchWriter(self._incoming, self._batch_bytes)
        await self._writer.add(bytes(self._head))
        self._head.clear()
        return self._writer
