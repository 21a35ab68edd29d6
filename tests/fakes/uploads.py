"""Requests as an ASGI server hands them over, with their body unread."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from itertools import pairwise
from typing import Any

from tests.fakes.clips import Clips

BOUNDARY = "----boundary7MA4YWxk"


class Multipart:
    """Writes `multipart/form-data` by hand, right or wrong."""

    def __init__(self, boundary: str = BOUNDARY) -> None:
        self._delimiter = b"--" + boundary.encode()
        self._parts: list[bytes] = []

    def field(self, name: str, value: str | bytes) -> "Multipart":
        content = value if isinstance(value, bytes) else value.encode()
        return self.part(f'Content-Disposition: form-data; name="{name}"', content)

    def file(self, name: str, file_name: str, content: bytes) -> "Multipart":
        return self.part(
            f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"'
            "\r\nContent-Type: application/octet-stream",
            content,
        )

    def video(self, content: bytes, file_name: str = "clip.mp4") -> "Multipart":
        return self.file("video", file_name, content)

    def part(self, headers: str | bytes, content: bytes) -> "Multipart":
        head = headers if isinstance(headers, bytes) else headers.encode()
        self._parts.append(
            self._delimiter + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"
        )
        return self

    def unclosed(self) -> bytes:
        return b"".join(self._parts)

    def body(self) -> bytes:
        return self.unclosed() + self._delimiter + b"--\r\n"


class FakeRequest:
    """`after` is what the server says when the pieces are at an end.

    "end": the body is complete; "leave": the client is gone; "silence": nothing.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
        content_length: int | str | None = None,
        after: str = "end",
    ) -> None:
        self.headers = {"content-type": content_type}
        if content_length is not None:
            self.headers["content-length"] = str(content_length)
        self.handed_over = 0
        self.after_answers: list[Callable[[], Awaitable[None]]] = []
        self._pieces = iter(pieces)
        self._after = after

    def after_answer(self, step: Callable[[], Awaitable[None]]) -> None:
        self.after_answers.append(step)

    async def receive(self) -> MutableMapping[str, Any]:
        # As a real server does, let others run before the next piece is there.
        await asyncio.sleep(0)
        piece = next(self._pieces, None)
        if piece is not None:
            self.handed_over += len(piece)
            return {"type": "http.request", "body": piece, "more_body": True}
        if self._after == "silence":
            await asyncio.Event().wait()
        if self._after == "leave":
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}


class Cuts:
    """Ways of cutting a body into pieces."""

    @staticmethod
    def every(body: bytes, size: int) -> list[bytes]:
        return [body[at : at + size] for at in range(0, len(body), size)]

    @staticmethod
    def at(body: bytes, *places: int) -> list[bytes]:
        edges = [0, *sorted(places), len(body)]
        return [body[a:b] for a, b in pairwise(edges)]


SMALL_CLIP = Clips.mp4(100)
