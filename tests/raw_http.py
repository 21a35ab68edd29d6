"""HTTP by hand: what no client library would send."""

import socket
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: httpx.Headers
    body: bytes
    # What came before it: uvicorn's "100 Continue", or nothing.
    interim: bytes = b""

    def json(self) -> Any:
        return httpx.Response(self.status, content=self.body).json()


class RawHttp:
    """Reads one answer from a socket."""

    @classmethod
    def exchange(cls, connection: socket.socket, request: bytes) -> RawAnswer:
        connection.sendall(request)
        return cls.read(connection)

    @classmethod
    def read(cls, connection: socket.socket) -> RawAnswer:
        with connection.makefile("rb") as stream:
            interim = b""
            while b" 100 " in (line := stream.readline()):
                interim += line + stream.readline()
            headers = httpx.Headers(cls._headers(stream))
            body = cls._body(stream, headers)
        return RawAnswer(int(line.split()[1]), headers, body, interim)

    @staticmethod
    def _body(stream: Any, headers: httpx.Headers) -> bytes:
        if "chunked" not in headers.get("transfer-encoding", ""):
            return bytes(stream.read(int(headers.get("content-length", "0"))))
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
        return body

    @staticmethod
    def _headers(stream: Any) -> list[tuple[bytes, bytes]]:
        headers = []
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            headers.append((name, value.strip()))
        return headers
