"""Receives the bytes of a video: recognised first, then staged batch by batch."""

import asyncio
from collections import deque

from backend.api.schemas.upload import VIDEO_FIELD
from backend.domain.containers import TAKEN, ContainerSniffer
from backend.domain.errors import EmptyFile, TooLarge, UnsupportedMedia
from backend.domain.media import VIDEO_LEAST_BYTES, Container, StagedFile
from backend.use_cases.ports import IncomingFile, Staging


class BatchWriter:
    """Fills one batch while those before it are hashed and written.

    A batch grows with its bytes, so that a stalled upload holds little memory.
    """

    # Then the thread always finds the next one, and the client has to wait.
    _MOST_IN_FLIGHT = 2

    def __init__(self, incoming: IncomingFile, batch_bytes: int) -> None:
        self._incoming = incoming
        self._batch_bytes = batch_bytes
        self._filling = bytearray()
        self._in_flight: deque[asyncio.Task[None]] = deque()

    async def add(self, piece: bytes) -> None:
        if not self._filling and len(piece) >= self._batch_bytes:
            await self._hand_over(piece)
            return
        self._filling += piece
        if len(self._filling) >= self._batch_bytes:
            await self._hand_over_filled()

    async def finish(self) -> None:
        if self._filling:
            await self._hand_over_filled()
        while self._in_flight:
            await self._in_flight.popleft()

    async def abandon(self) -> None:
        for writing in self._in_flight:
            writing.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)

    async def _hand_over_filled(self) -> None:
        filled, self._filling = self._filling, bytearray()
        await self._hand_over(filled)

    async def _hand_over(self, batch: bytes | bytearray) -> None:
        if len(self._in_flight) == self._MOST_IN_FLIGHT:
            await self._in_flight.popleft()
        self._in_flight.append(asyncio.create_task(self._incoming.write(batch)))


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
        """All bytes have arrived. Raises also `EmptyFile`."""
        if self._size_bytes < VIDEO_LEAST_BYTES:
            raise EmptyFile(f"The file has only {self._size_bytes} bytes.")
        writer = self._writer or await self._begin()
        await writer.finish()

    def received(self) -> tuple[IncomingFile, StagedFile, Container]:
        if self._incoming is None or self._container is None:
            raise RuntimeError("A video is received only at its end")
        return self._incoming, self._incoming.received(), self._container

    async def abandon(self) -> None:
        if self._writer is not None:
            await self._writer.abandon()
        if self._incoming is not None:
            await self._incoming.discard()

    async def _begin(self) -> BatchWriter:
        """Nothing is stored before the video is recognised."""
        self._container = self._sniffer.recognise(bytes(self._head))
        if self._container is None:
            raise UnsupportedMedia(VIDEO_FIELD, TAKEN)
        self._incoming = await self._staging.receive()
        self._writer = BatchWriter(self._incoming, self._batch_bytes)
        await self._writer.add(bytes(self._head))
        self._head.clear()
        return self._writer
