"""uvicorn's HTTP protocol with the limits it lacks.

Run it with `uvicorn --http backend.api.http.protocol:BoundedHttpProtocol …`.
"""

import asyncio
from typing import ClassVar
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.api.http.errors import PROBLEM_TYPE, ErrorTranslator, Problems
from backend.domain.errors import Malformed


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses an endless head, and closes connections that send none, or go on sending.

    uvicorn would collect the head of a request, its trailers and the extensions of its
    chunks without limit, and wait for them for ever. It would also read and throw away
    whatever is left of a body once it has been answered: a refused upload to its end.
    A small rest is still read, since many clients look for an answer only after it.
    """

    most_unparsed_bytes: ClassVar[int] = 128 * 1024
    head_seconds: ClassVar[float] = 15.0
    most_unwanted_bytes: ClassVar[int] = 16 * 1024 * 1024
    unwanted_seconds: ClassVar[float] = 5.0
    problems: ClassVar[Problems] = Problems(ErrorTranslator())

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._unparsed = 0
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._unwanted = 0
        self._unwanted_timer: asyncio.TimerHandle | None = None
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_head = False
        self._watch_head()
        self._end_unwanted()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > self.most_unparsed_bytes:
            self._refuse()
        self._watch_head()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)
        if self.cycle.response_complete:
            self._unwanted += len(body)
            if self._unwanted > self.most_unwanted_bytes:
                self.transport.close()

    def on_message_complete(self) -> None:
        self._unparsed = 0
        self._end_unwanted()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._unwanted_timer = self.loop.call_later(
                self.unwanted_seconds, self.transport.close
            )

    def send_400_response(self, msg: str) -> None:
        """A problem, like every refusal."""
        if self.transport.is_closing():
            return
        problem = self.problems.describe(Malformed(msg), "")
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {PROBLEM_TYPE}\r\n"
            f"content-length: {len(problem.body)}\r\n"
            f"x-request-id: {uuid4().hex}\r\n"
            "x-content-type-options: nosniff\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + problem.body)
        self.transport.close()

    def _refuse(self) -> None:
        """Such an answer could be mistaken for one that is already being sent."""
        self._unparsed = 0
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response("The head of the request is too large.")
        else:
            self.transport.close()

    def _end_unwanted(self) -> None:
        self._unwanted = 0
        if self._unwanted_timer is not None:
            self._unwanted_timer.cancel()
            self._unwanted_timer = None

    def _watch_head(self) -> None:
        """The timer runs while a head is incomplete; most arrive in one piece."""
        if self._in_head and self._timer is None:
            self._timer = self.loop.call_later(self.head_seconds, self.transport.close)
        elif not self._in_head and self._timer is not None:
            self._timer.cancel()
            self._timer = None
