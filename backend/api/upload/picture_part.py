"""Receives the bytes of a picture: recognised first, then staged, then inspected."""

import asyncio
from dataclasses import dataclass
from typing import BinaryIO

from backend.api.schemas.upload import MINIATURE_FIELD
from backend.api.upload.multipart_reader import PartHead
from backend.api.upload.video_part import BatchWriter
from backend.domain.errors import (
    EmptyFile,
    Invalid,
    StagedFileGone,
    TooLarge,
    UnsupportedMedia,
)
from backend.domain.media import StagedFile
from backend.domain.pictures import PictureInspector
from backend.use_cases.ports import IncomingFile, Staging


@dataclass(frozen=True, slots=True)
class ReceivedPicture:
    """A picture in staging; its holder ends `incoming`."""

    incoming: IncomingFile
    file: StagedFile


class PicturePart:
    """One picture on its way in; `abandon` leaves nothing of it behind.

    A part without name and bytes is what a form sends for a picture that was not chosen.
    """

    def __init__(
        self,
        staging: Staging,
        inspector: PictureInspector,
        most_bytes: int,
        batch_bytes: int,
    ) -> None:
        self._staging = staging
        self._inspector = inspector
        self._most_bytes = most_bytes
        self._batch_bytes = batch_bytes
        self._file_name: str | None = None
        self._size_bytes = 0
        self._head = bytearray()
        self._incoming: IncomingFile | None = None
        self._writer: BatchWriter | None = None

    def begin(self, head: PartHead) -> "PicturePart":
        self._file_name = head.file_name
        return self

    async def add(self, piece: bytes) -> None:
        """Raises `Invalid`, `TooLarge`, `UnsupportedMedia`, `StorageFull`."""
        if self._file_name is None:
            raise Invalid(problems={MINIATURE_FIELD: "Must be a file with a file name"})
        self._size_bytes += len(piece)
        if self._size_bytes > self._most_bytes:
            raise TooLarge(f"The miniature has more than {self._most_bytes} bytes.")
        if self._writer is not None:
            await self._writer.add(piece)
            return
        self._head += piece
        if len(self._head) >= self._inspector.head_bytes:
            await self._recognise()

    async def end(self) -> None:
        """Raises also `EmptyFile`, `UnreadablePicture`, `TooManyPixels`."""
        if self._size_bytes:
            writer = self._writer or await self._recognise()
            await writer.finish()
            await self._inspect()
        elif self._file_name:
            raise EmptyFile("The miniature is an empty file.")

    async def seal(self) -> ReceivedPicture | None:
        """None if there is no picture."""
        if self._incoming is None:
            return None
        return ReceivedPicture(self._incoming, await self._incoming.seal())

    async def abandon(self) -> None:
        if self._writer is not None:
            await self._writer.abandon()
        if self._incoming is not None:
            await self._incoming.discard()

    async def _recognise(self) -> BatchWriter:
        """Nothing is stored before the picture is recognised."""
        if not self._inspector.recognises(bytes(self._head)):
            raise UnsupportedMedia(MINIATURE_FIELD, "JPEG, PNG or WebP")
        self._incoming = await self._staging.receive()
        self._writer = BatchWriter(self._incoming, self._batch_bytes)
        await self._writer.add(bytes(self._head))
        self._head.clear()
        return self._writer

    async def _inspect(self) -> None:
        if self._incoming is None:
            raise RuntimeError("A picture is inspected after its end")
        source = await self._staging.open(self._incoming.name)
        if source is None:
            raise StagedFileGone
        with source:
            await asyncio.to_thread(self._look_through, source)

    def _look_through(self, source: BinaryIO) -> None:
        self._inspector.inspect(source.read())
