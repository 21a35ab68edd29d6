"""A line to a server that can be made bad while it is used.

The faults are those of Toxiproxy (https://github.com/Shopify/toxiproxy#toxics), and
one more: a reply that is lost though the server has done what it was asked.
"""

import asyncio
import socket
import struct
import time
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.faults.proxy_loop import ProxyLoop

CHUNK_BYTES = 256 * 1024
# What follows closer than this is of the same burst, and is not delayed again.
BURST_SECONDS = 0.02


@dataclass(frozen=True)
class Upstream:
    """Where a server listens: at a port of this machine, or at a socket in a folder."""

    port: int = 0
    path: Path | None = None

    async def connect(self) -> tuple[StreamReader, StreamWriter]:
        if self.path is not None:
            return await asyncio.open_unix_connection(str(self.path))
        return await asyncio.open_connection("127.0.0.1", self.port)


@dataclass(frozen=True)
class Weather:
    """What is wrong with a line at the moment."""

    latency_seconds: float = 0.0
    resets: bool = False
    reset_share: float = 0.0
    cut_after_bytes: int | None = None


class LostReply:
    """The server answers the k-th request from now that has these bytes; nobody hears."""

    def __init__(self, number: int, containing: bytes) -> None:
        self._left = number
        self._containing = containing

    @property
    def happened(self) -> bool:
        return not self._left

    def is_reply_to(self, request: bytes) -> bool:
        if self._left and self._containing in request:
            self._left -= 1
            return self._left == 0
        return False


class Broken(Exception):
    """The line breaks here."""


class Line:
    """The connection of one client, and the one that is made for it to the server."""

    def __init__(
        self, proxy: "TcpProxy", reader: StreamReader, writer: StreamWriter
    ) -> None:
        self._proxy = proxy
        self._client = (reader, writer)
        self._writers = [writer]
        self._weather = proxy.weather
        self._moved_bytes = 0
        self._last_moved: dict[StreamWriter, float] = {}
        self._loses_reply = False

    async def serve(self) -> None:
        """Until either end closes it, or it breaks."""
        try:
            await self._proxy.until_heard()
            self._check(0)
            server = await self._proxy.upstream.connect()
            self._writers.append(server[1])
            await self._carry(server)
        except (OSError, Broken):
            self.reset()
        finally:
            for writer in self._writers:
                writer.close()

    def reset(self) -> None:
        """RST to both: what was on its way is lost."""
        for writer in self._writers:
            connection = writer.get_extra_info("socket")
            if connection.family != socket.AF_UNIX and connection.fileno() >= 0:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    async def _carry(self, server: tuple[StreamReader, StreamWriter]) -> None:
        ways = [
            asyncio.ensure_future(self._send(self._client[0], server[1])),
            asyncio.ensure_future(self._return(server[0], self._client[1])),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in done:
                way.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _send(self, reader: StreamReader, writer: StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            self._loses_reply |= self._proxy.is_reply_lost(chunk)
            await self._move(chunk, writer)

    async def _return(self, reader: StreamReader, writer: StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            if self._loses_reply:
                return
            await self._move(chunk, writer)

    async def _move(self, chunk: bytes, writer: StreamWriter) -> None:
        await self._proxy.until_heard()
        if time.monotonic() - self._last_moved.get(writer, 0.0) > BURST_SECONDS:
            await asyncio.sleep(self._proxy.weather.latency_seconds)
        self._check(len(chunk))
        writer.write(chunk)
        await writer.drain()
        self._last_moved[writer] = time.monotonic()

    def _check(self, size: int) -> None:
        """Raises `Broken` if nothing more comes through."""
        weather = self._proxy.weather
        if weather is not self._weather:
            self._weather, self._moved_bytes = weather, 0
        self._moved_bytes += size
        limit = weather.cut_after_bytes
        if weather.resets or self._proxy.is_unlucky():
            raise Broken
        if limit is not None and self._moved_bytes > limit:
            raise Broken


class TcpProxy:
    """Listens for a server, and passes on what the weather lets through.

    Faults are switched from any thread; each stays until `heal`.
    """

    def __init__(
        self, loop: ProxyLoop, port: int, upstream: Upstream, seed: int = 1
    ) -> None:
        self.port = port
        self.upstream = upstream
        self.weather = Weather()
        self._loop = loop
        self._dice = Random(seed)
        self._lines: set[Line] = set()
        self._lost: list[LostReply] = []
        self._heard = asyncio.Event()
        self._heard.set()
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        self._loop.run(self._listen())

    def stop(self) -> None:
        self._loop.run(self._leave())

    def latency(self, seconds: float) -> None:
        """Whatever is sent arrives so much later, in both directions."""
        self._change(latency_seconds=seconds)

    def reset(self) -> None:
        """Connections are reset, new ones too."""
        self._change(resets=True)
        self.reset_once()

    def reset_once(self) -> None:
        """Those that are there now are reset; whoever connects again is served."""
        self._loop.run(self._reset_lines())

    def reset_some(self, share: float) -> None:
        """So many of all pieces that are sent break their connection instead."""
        self._change(reset_share=share)

    def refuse(self) -> None:
        """Nobody listens, and those who were connected are reset."""
        self._loop.run(self._leave())

    def black_hole(self) -> None:
        """Connections are taken and kept, and nothing comes through until `heal`."""
        self._loop.run(self._set_heard(False))

    def cut_after(self, size_bytes: int) -> None:
        """Each connection breaks once it has carried so many bytes more."""
        self._change(cut_after_bytes=size_bytes)

    def lose_reply(self, number: int = 1, containing: bytes = b"") -> LostReply:
        """The reply to the k-th request from now that contains these bytes is lost.

        The server does what it is asked; the client gets a closed connection.
        """
        lost = LostReply(number, containing)
        self._lost.append(lost)
        return lost

    def heal(self) -> None:
        self._lost.clear()
        self.weather = Weather()
        self._loop.run(self._set_heard(True))
        self._loop.run(self._listen())

    async def until_heard(self) -> None:
        await self._heard.wait()

    def is_unlucky(self) -> bool:
        share = self.weather.reset_share
        return bool(share) and self._dice.random() < share

    def is_reply_lost(self, request: bytes) -> bool:
        # Every one of them counts the request.
        return True in [lost.is_reply_to(request) for lost in self._lost]

    def _change(self, **changes: float | bool | None) -> None:
        self.weather = replace(self.weather, **changes)  # type: ignore[arg-type]

    async def _set_heard(self, heard: bool) -> None:
        (self._heard.set if heard else self._heard.clear)()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, limit=CHUNK_BYTES, backlog=256
            )

    async def _leave(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset_lines()

    async def _reset_lines(self) -> None:
        for line in list(self._lines):
            line.reset()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        line = Line(self, reader, writer)
        self._lines.add(line)
        try:
            await line.serve()
        finally:
            self._lines.discard(line)
