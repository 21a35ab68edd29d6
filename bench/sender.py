"""The one client of all contenders: it costs them as little of the processor as it can."""

import os
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Sent:
    """`seconds` from the connection to the last byte of the answer."""

    seconds: float
    status: int
    headers: Mapping[str, str]
    body: bytes


class Framing(Protocol):
    """What a request has around the bytes of the file."""

    @property
    def opening(self) -> bytes: ...

    @property
    def closing(self) -> bytes: ...

    def headers(self, file_bytes: int) -> Mapping[str, str]: ...


class Multipart:
    """A form with one file, as a browser sends it, and perhaps what it will be."""

    # As long as curl's and the browsers' are.
    BOUNDARY = "------------------------d74496d66958873e0123456789"
    closing = f"\r\n--{BOUNDARY}--\r\n".encode()
    FILE = (
        f"--{BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="video"; filename="video.mp4"\r\n'
        "Content-Type: video/mp4\r\n\r\n"
    )

    def __init__(self, sha256: str = "") -> None:
        declared = (
            f"--{self.BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="sha256"\r\n\r\n'
            f"{sha256}\r\n"
        )
        self.opening = ((declared if sha256 else "") + self.FILE).encode()

    def headers(self, file_bytes: int) -> Mapping[str, str]:
        return {"Content-Type": f"multipart/form-data; boundary={self.BOUNDARY}"}


class TusCreation:
    """tus' creation-with-upload: one request, and nothing around the bytes."""

    opening = b""
    closing = b""

    def headers(self, file_bytes: int) -> Mapping[str, str]:
        return {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(file_bytes),
            "Content-Type": "application/offset+octet-stream",
        }


class Sender:
    """Sends a file; the kernel copies it, we only wait."""

    PATIENCE_SECONDS = 300

    def __init__(self, url: str, headers: Mapping[str, str], framing: Framing) -> None:
        self._address = urlsplit(url)
        self._headers = headers
        self._framing = framing

    def send(self, video: Path) -> Sent:
        """Raises `OSError`, also when nothing moves for long."""
        with video.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            began = time.perf_counter()
            with self._connected() as connection:
                connection.sendall(self._head(size) + self._framing.opening)
                # Who has answered already need not take the rest.
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._copy(file.fileno(), connection, size)
                    connection.sendall(self._framing.closing)
                answer = self._answer(connection)
        return self._sent(time.perf_counter() - began, answer)

    @staticmethod
    def _sent(seconds: float, answer: bytes) -> Sent:
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return Sent(seconds, int(status.split()[1]), headers, body)

    def _connected(self) -> socket.socket:
        host, port = self._address.hostname or "", self._address.port or 80
        connection = socket.create_connection((host, port), timeout=None)
        # The kernel's own limit: with one of Python's, it would no longer block.
        limit = struct.pack("ll", self.PATIENCE_SECONDS, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        return connection

    def _head(self, size: int) -> bytes:
        length = len(self._framing.opening) + size + len(self._framing.closing)
        headers = {
            "Host": self._address.netloc,
            "Content-Length": str(length),
            "Connection": "close",
            **self._framing.headers(size),
            **self._headers,
        }
        lines = [f"{name}: {value}" for name, value in headers.items()]
        request = f"POST {self._address.path} HTTP/1.1"
        return "\r\n".join([request, *lines, "", ""]).encode()

    @staticmethod
    def _copy(file: int, connection: socket.socket, size: int) -> None:
        sent = 0
        while sent < size:
            sent += os.sendfile(connection.fileno(), file, sent, size - sent)

    @staticmethod
    def _answer(connection: socket.socket) -> bytes:
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer
