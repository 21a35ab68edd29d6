"""An object store that answers wrong, or does not answer: a proxy before the real one.

Requests are passed on as they are, the `Host` that is signed included.
"""

import asyncio
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from urllib.parse import parse_qs, urlsplit

from tests.faults.proxy_loop import ProxyLoop
from tests.faults.tcp_proxy import CHUNK_BYTES, Upstream

END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Request:
    """What was asked, and how many bytes of a body came with it."""

    method: str
    path: str
    query: Mapping[str, str]
    head: "Head" = field(repr=False)
    sent_bytes: int = 0

    @classmethod
    def of(cls, head: "Head") -> "Request":
        method, target, _ = head.first_line.split(" ", 2)
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        named = {name: values[0] for name, values in query.items()}
        return cls(method, parts.path, named, head)


When = Callable[[Request], bool]


class Asks:
    """The requests that tests choose, by what S3 calls them."""

    @staticmethod
    def anything(request: Request) -> bool:
        return True

    @staticmethod
    def put(request: Request) -> bool:
        """A whole object."""
        return request.method == "PUT" and not request.query

    @staticmethod
    def part(request: Request) -> bool:
        return request.method == "PUT" and "partNumber" in request.query

    @staticmethod
    def begin(request: Request) -> bool:
        return request.method == "POST" and "uploads" in request.query

    @staticmethod
    def complete(request: Request) -> bool:
        return request.method == "POST" and "uploadId" in request.query

    @staticmethod
    def delete(request: Request) -> bool:
        return request.method == "DELETE"

    @classmethod
    def store(cls, request: Request) -> bool:
        """Whatever moves bytes into the store."""
        return cls.put(request) or cls.part(request)


class Head:
    """The lines before the body of a request or an answer."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        lines = content.decode("latin-1").split("\r\n")
        self.first_line = lines[0]
        pairs = (line.partition(":") for line in lines[1:] if line)
        self._fields = {name.lower(): value.strip() for name, _, value in pairs}

    def get(self, name: str) -> str:
        return self._fields.get(name, "")

    @property
    def status(self) -> int:
        return int(self.first_line.split(" ")[1])

    @property
    def closes(self) -> bool:
        return self.get("connection").lower() == "close"

    @property
    def expects_continue(self) -> bool:
        return self.get("expect").lower() == "100-continue"


class Wire:
    """One end of a connection that speaks HTTP/1.1."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def head(self) -> Head | None:
        """None when the other side has closed it."""
        try:
            return Head(await self._reader.readuntil(END_OF_HEAD))
        except IncompleteReadError:
            return None

    async def body(self, head: Head) -> AsyncIterator[bytes]:
        """As it stands on the wire, chunk headers included."""
        if head.get("transfer-encoding").lower() == "chunked":
            async for piece in self._chunks():
                yield piece
        left = int(head.get("content-length") or 0)
        while left:
            piece = await self._reader.read(min(left, CHUNK_BYTES))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)
            yield piece

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    def close(self) -> None:
        self._writer.close()

    async def _chunks(self) -> AsyncIterator[bytes]:
        size = -1
        while size:
            line = await self._reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await self._reader.readexactly(size + 2)


class Fault:
    """What goes wrong with requests of a kind: with each, some, or the next few."""

    def __init__(
        self, when: When, times: int | None = None, share: float = 1.0, seed: int = 1
    ) -> None:
        self._when = when
        self._left = times
        self._share = share
        self._dice = Random(seed)
        self.happened = 0

    def strikes(self, request: Request) -> bool:
        if self._left == 0 or not self._when(request):
            return False
        if self._dice.random() >= self._share:
            return False
        if self._left is not None:
            self._left -= 1
        self.happened += 1
        return True


class WrongAnswer(Fault):
    """The store is not asked; what it would have said is an error document.

    S3 may say 200 before it knows how a long request ends: then the document alone
    tells of the error.
    """

    DOCUMENT = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<Error><Code>{}</Code><Message>As planned</Message></Error>"
    )

    def __init__(
        self, status: int, code: str, when: When, **how_often: int | float | None
    ) -> None:
        super().__init__(when, **how_often)  # type: ignore[arg-type]
        self._status = HTTPStatus(status)
        self._document = self.DOCUMENT.format(code).encode()

    def answer_to(self, request: Request) -> bytes:
        lines = [
            f"HTTP/1.1 {self._status.value} {self._status.phrase}",
            "Content-Type: application/xml",
            f"Content-Length: {len(self._document)}",
            "Connection: close",
        ]
        head = "\r\n".join(lines).encode() + END_OF_HEAD
        return head if request.method == "HEAD" else head + self._document


class LostAnswer(Fault):
    """The store does it; the client gets a closed connection."""


class SlowAnswer(Fault):
    """The store is asked that much later."""

    def __init__(self, seconds: float, when: When) -> None:
        super().__init__(when)
        self.seconds = seconds


class HttpProxy:
    """Stands before an object store; faults are added from any thread until `heal`."""

    def __init__(self, loop: ProxyLoop, port: int, upstream: Upstream) -> None:
        self.port = port
        self.requests: list[Request] = []
        self._loop = loop
        self._upstream = upstream
        self._faults: list[Fault] = []
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        self._loop.run(self._listen())

    def stop(self) -> None:
        self._loop.run(self._leave())

    def answer(
        self,
        status: int,
        code: str,
        when: When = Asks.anything,
        *,
        times: int | None = None,
        share: float = 1.0,
    ) -> Fault:
        """An error document instead: 503 SlowDown, 403, or 200 for one in disguise."""
        return self._add(WrongAnswer(status, code, when, times=times, share=share))

    def lose_answer(
        self, when: When = Asks.anything, *, times: int | None = 1, share: float = 1.0
    ) -> Fault:
        return self._add(LostAnswer(when, times, share))

    def delay(self, seconds: float, when: When = Asks.anything) -> Fault:
        return self._add(SlowAnswer(seconds, when))

    def heal(self) -> None:
        self._faults.clear()

    def sent_bytes(self, when: When) -> int:
        """How many bytes of bodies have come with requests of the kind."""
        return sum(request.sent_bytes for request in self.requests if when(request))

    def _add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    async def _leave(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=CHUNK_BYTES, backlog=256
        )

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        client = Wire(reader, writer)
        server: Wire | None = None
        try:
            server = Wire(*await self._upstream.connect())
            while await self._exchange(client, server):
                pass
        except (OSError, IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            client.close()
            if server is not None:
                server.close()

    async def _exchange(self, client: Wire, server: Wire) -> bool:
        """One request and its answer; whether another may follow."""
        head = await client.head()
        if head is None:
            return False
        request = Request.of(head)
        self.requests.append(request)
        struck = [fault for fault in list(self._faults) if fault.strikes(request)]
        for fault in struck:
            if isinstance(fault, WrongAnswer):
                await self._answer_wrong(fault, request, client)
                return False
            if isinstance(fault, SlowAnswer):
                await asyncio.sleep(fault.seconds)
        is_lost = any(isinstance(fault, LostAnswer) for fault in struck)
        return await self._pass_on(request, client, server, is_lost)

    @staticmethod
    async def _answer_wrong(fault: WrongAnswer, request: Request, client: Wire) -> None:
        """A client that is about to send its body anyway has to be listened to."""
        if not request.head.expects_continue:
            async with aclosing(client.body(request.head)) as pieces:
                async for piece in pieces:
                    request.sent_bytes += len(piece)
        await client.send(fault.answer_to(request))

    async def _pass_on(
        self, request: Request, client: Wire, server: Wire, is_lost: bool
    ) -> bool:
        await server.send(request.head.content)
        sending = asyncio.ensure_future(self._send_body(request, client, server))
        try:
            answer = await self._answered(request, client, server, sending, is_lost)
            is_whole = sending.done()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return is_whole and not (is_lost or answer.closes or request.head.closes)

    @staticmethod
    async def _send_body(request: Request, client: Wire, server: Wire) -> None:
        async with aclosing(client.body(request.head)) as pieces:
            async for piece in pieces:
                request.sent_bytes += len(piece)
                await server.send(piece)

    async def _answered(
        self,
        request: Request,
        client: Wire,
        server: Wire,
        sending: "asyncio.Future[None]",
        is_lost: bool,
    ) -> Head:
        """Interim answers are passed on as well: clients wait for them."""
        while True:
            answer = await self._head_of(server, sending)
            await self._tell(client, answer.content, is_lost and answer.status >= 200)
            if answer.status >= 200:
                break
        if request.method != "HEAD" and answer.status not in (204, 304):
            async with aclosing(server.body(answer)) as pieces:
                async for piece in pieces:
                    await self._tell(client, piece, is_lost)
        return answer

    @staticmethod
    async def _head_of(server: Wire, sending: "asyncio.Future[None]") -> Head:
        """A client that goes away in the middle of its body is the end of it too."""
        reading = asyncio.ensure_future(server.head())
        try:
            await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and not reading.done():
                sending.result()
            answer = await reading
        finally:
            reading.cancel()
        if answer is None:
            raise ConnectionResetError
        return answer

    @staticmethod
    async def _tell(client: Wire, content: bytes, is_lost: bool) -> None:
        if not is_lost:
            await client.send(content)
