"""Reading small request bodies into memory."""

import asyncio

from backend.api.http.asgi import Receive, Scope
from backend.api.http.refusals import ClientDisconnected, SlowBody
from backend.domain.errors import Malformed, TooLarge


class BodyReader:
    """Reads a body up to a size and within a time, both counted for the whole of it."""

    def __init__(self, limit_bytes: int, deadline_seconds: float) -> None:
        self._limit = limit_bytes
        self._deadline = deadline_seconds

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Raises `Malformed`, `TooLarge`, `SlowBody`, `ClientDisconnected`."""
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length")
        if declared is None and b"transfer-encoding" not in headers:
            return b""
        if declared is not None:
            self._check_declared(declared)
        try:
            async with asyncio.timeout(self._deadline):
                return await self._all(receive)
        except TimeoutError:
            raise SlowBody(f"It had {self._deadline:g} seconds.") from None

    def _check_declared(self, length: bytes) -> None:
        if not length.isdigit():
            raise Malformed("Content-Length must be a number.")
        if int(length) > self._limit:
            raise TooLarge(f"A body may have {self._limit} bytes here.")

    async def _all(self, receive: Receive) -> bytes:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            body += message.get("body", b"")
            if len(body) > self._limit:
                raise TooLarge(f"A body may have {self._limit} bytes here.")
            more = message.get("more_body", False)
        return bytes(body)

    @staticmethod
    def leaves(scope: Scope) -> bool:
        """Whether the operation streams this body itself."""
        content_type: bytes = dict(scope["headers"]).get(b"content-type", b"")
        return content_type.lower().lstrip().startswith(b"multipart/")
