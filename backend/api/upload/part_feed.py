"""Feeds the parts of a multipart body to their receivers."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from backend.api.upload.multipart_reader import MultipartReader, PartEvent, PartHead
from backend.api.upload.request_body import RequestBody


class Part(Protocol):
    """One part on its way in."""

    async def add(self, piece: bytes) -> None: ...

    async def end(self) -> None:
        """All its bytes have arrived."""


class PartFeed:
    """Reads a body to its end; `begin` returns the receiver of each part, or refuses
    it."""

    def __init__(
        self,
        body: RequestBody,
        reader: MultipartReader,
        begin: Callable[[PartHead], Awaitable[Part]],
    ) -> None:
        self._body = body
        self._reader = reader
        self._begin = begin
        self._part: Part | None = None

    async def run(self) -> None:
        """Raises what body, reader and parts raise."""
        while piece := await self._body.read():
            for event in self._reader.parse(piece):
                await self._take(event)
        self._reader.finish()

    async def _take(self, event: PartEvent) -> None:
        if isinstance(event, PartHead):
            self._part = await self._begin(event)
        elif self._part is None:
            raise RuntimeError("Bytes of a part came before its head")
        elif event is None:
            await self._part.end()
        else:
            await self._part.add(event)
