"""Uploads by hand: every byte of the request may be wrong."""

import copy
import socket
from contextlib import suppress
from dataclasses import dataclass

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.fakes.clips import Clips
from tests.fakes.uploads import BOUNDARY, Multipart
from tests.raw_http import RawAnswer, RawHttp

FORM = f"multipart/form-data; boundary={BOUNDARY}".encode()
# Recognised as a video, though nobody could play it.
VIDEO = Clips.mp4(1_000)
GOOD = Multipart().video(VIDEO).body()


@dataclass(frozen=True)
class RawUpload:
    """One request. `declared` is its Content-Length: by default the right one, None
    leaves it away, and so does None as the type."""

    body: bytes = GOOD
    content_type: bytes | None = FORM
    declared: bytes | None = b""
    headers: tuple[bytes, ...] = ()
    line: bytes = b"POST /media/ HTTP/1.1"
    host: bytes = b"127.0.0.1"

    def request(self, authorization: str) -> bytes:
        return self.head(authorization) + self.body

    def head(self, authorization: str) -> bytes:
        lines = [self.line, b"Host: " + self.host]
        if authorization:
            lines.append(b"Authorization: " + authorization.encode())
        if self.content_type is not None:
            lines.append(b"Content-Type: " + self.content_type)
        if self.declared is not None:
            length = self.declared or str(len(self.body)).encode()
            lines.append(b"Content-Length: " + length)
        return b"\r\n".join([*lines, *self.headers]) + b"\r\n\r\n"

    def exchange(self, connection: socket.socket, authorization: str) -> RawAnswer:
        """The first answer; it may come before the server has all of the request."""
        with suppress(ConnectionError):
            connection.sendall(self.request(authorization))
        return RawHttp.read(connection)

    @classmethod
    def chunked(cls, body: bytes, *sizes: int) -> "RawUpload":
        """The body in chunks of these sizes, then in one of what is left."""
        chunks, rest = [], body
        for size in (*sizes, len(body)):
            piece, rest = rest[:size], rest[size:]
            if piece:
                chunks.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        return cls.in_chunks(b"".join(chunks) + b"0\r\n\r\n")

    @classmethod
    def in_chunks(cls, chunks: bytes) -> "RawUpload":
        """Whatever stands there in place of chunks."""
        coding = (b"Transfer-Encoding: chunked",)
        return cls(chunks, declared=None, headers=coding)

    @classmethod
    def unread(cls, declared_bytes: int, *headers: bytes) -> "RawUpload":
        """Only the head is sent: who answers has not waited for the body."""
        return cls(b"", declared=str(declared_bytes).encode(), headers=headers)


class RawClient:
    """Sends uploads to an API of a stack as whoever it shall be; "" is nobody."""

    ROLES = ("admin", "media_operator", "viewer")

    def __init__(self, stack: EmbeddedStack) -> None:
        self.port = stack.api_port
        self._authorizations = {"": ""}
        for role in self.ROLES:
            with Client(stack).signed_in(role) as client:
                self._authorizations[role] = client.http.headers["Authorization"]

    def at(self, port: int) -> "RawClient":
        """The same callers at another API process on the same stores."""
        other = copy.copy(self)
        other.port = port
        return other

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def authorization(self, role: str = "media_operator") -> str:
        return self._authorizations[role]

    def send(self, upload: RawUpload, role: str = "media_operator") -> RawAnswer:
        with self.connection() as connection:
            return upload.exchange(connection, self.authorization(role))
