"""Reads the body of a request from ASGI, piece by piece, within limits."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from backend.api.http.asgi import Message, Receive, Step
from backend.api.http.refusals import ClientDisconnected, SlowBody
from backend.domain.errors import Malformed, TooLarge, UnsupportedType


class UnreadRequest(Protocol):
    """A request whose body the ASGI entry left unread; `headers` ignore case."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def receive(self) -> Receive: ...

    def after_answer(self, step: Step) -> None:
        """Run this after the answer was sent, before the next request of the
        connection."""


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """`least_bytes_per_second` is an average over the time spent waiting for bytes."""

    most_bytes: int
    receive_seconds: float = 30.0
    least_bytes_per_second: float = 1024.0


class RequestBody:
    """One body; raises errors if it is too large or too slow, or the client has
    left."""

    # So that no step takes long, whatever the size of the server's pieces.
    _PIECE_BYTES = 512 * 1024

    def __init__(self, request: UnreadRequest, limits: BodyLimits) -> None:
        self.declared_bytes = self._declared(request.headers.get("content-length", ""))
        self._coding = request.headers.get("content-encoding", "identity").lower()
        self._receive = request.receive
        self._limits = limits
        self._pieces: Iterator[bytes] = iter(())
        self._is_last = False
        self._received_bytes = 0
        self._waited_seconds = 0.0

    def check_declared(self) -> None:
        """Raises `UnsupportedType` and `TooLarge` before a byte is read."""
        if self._coding != "identity":
            raise UnsupportedType("Send the body without Content-Encoding.")
        self._check_size(self.declared_bytes or 0)

    async def read(self) -> bytes:
        """The next piece; empty at the end.

        Raises `TooLarge`, `SlowBody`, `ClientDisconnected`.
        """
        while True:
            for piece in self._pieces:
                return piece
            if self._is_last:
                return b""
            await self._refill()

    async def discard(self) -> None:
        """Read the rest and throw it away, within the limits of any other body."""
        with suppress(SlowBody, TooLarge, Malformed):
            while await self.read():
                pass

    async def _refill(self) -> None:
        message = await self._next_message()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        body: bytes = message.get("body", b"")
        self._pieces = self._cut(body)
        self._is_last = not message.get("more_body", False)
        self._received_bytes += len(body)
        self._check_size(self._received_bytes)
        self._check_rate()

    @classmethod
    def _cut(cls, body: bytes) -> Iterator[bytes]:
        """A slice of all of it is no copy."""
        for start in range(0, len(body), cls._PIECE_BYTES):
            yield body[start : start + cls._PIECE_BYTES]

    async def _next_message(self) -> Message:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._limits.receive_seconds):
                return await self._receive()
        except TimeoutError:
            seconds = self._limits.receive_seconds
            raise SlowBody(f"Nothing was received for {seconds:g} seconds.") from None
        finally:
            self._waited_seconds += loop.time() - began

    def _check_size(self, size_bytes: int) -> None:
        most = self._limits.most_bytes
        if size_bytes > most:
            raise TooLarge(f"The body has more than {most} bytes.")
        if self.declared_bytes is not None and size_bytes > self.declared_bytes:
            raise Malformed("The body is longer than its Content-Length.")

    def _check_rate(self) -> None:
        least = self._limits.least_bytes_per_second
        # A short wait proves nothing about the client.
        late = self._waited_seconds > self._limits.receive_seconds
        if late and self._received_bytes < least * self._waited_seconds:
            raise SlowBody(f"The body came slower than {least:g} bytes a second.")

    @staticmethod
    def _declared(header: str) -> int | None:
        if not header:
            return None
        if not (header.isascii() and header.isdecimal() and len(header) < 20):
            raise Malformed("Content-Length is not a number.")
        return int(header)
