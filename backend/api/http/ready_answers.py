"""Answers from the cache, for which neither Django nor Ninja runs."""

from dataclasses import dataclass
from typing import ClassVar, Self

from django.http import HttpResponse

from backend.api.http.asgi import AsgiApp, Headers, Receive, Scope, Send
from backend.api.http.codec import JsonRenderer
from backend.use_cases.ports import AnswerCache


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """A 200 in JSON as the cache keeps it: headers and body as HTTP writes them."""

    headers: Headers
    body: bytes

    _JSON: ClassVar = (b"content-type", JsonRenderer.CONTENT_TYPE.encode())

    @classmethod
    def of(cls, body: bytes, *others: tuple[bytes, bytes]) -> Self:
        return cls([cls._JSON, *others], body)

    @classmethod
    def kept(cls, content: bytes) -> Self:
        head, _, body = content.partition(b"\r\n\r\n")
        lines = (line.partition(b": ") for line in head.split(b"\r\n"))
        return cls([(name, value) for name, _, value in lines], body)

    @property
    def to_keep(self) -> bytes:
        lines = [b"%b: %b\r\n" % header for header in self.headers]
        return b"".join([*lines, b"\r\n", self.body])

    def response(self) -> HttpResponse:
        headers = {name.decode(): value.decode() for name, value in self.headers}
        return HttpResponse(self.body, headers=headers)

    async def send(self, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        headers = [*self.headers, length]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class ReadyAnswers:
    """Sends the entry that the cache has read ahead for an authorised caller.

    It is the answer to the same path and query of the same caller, so they need not be
    parsed again. Only `If-None-Match` can change their meaning.
    """

    def __init__(self, app: AsgiApp, cache: AnswerCache) -> None:
        self._app = app
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = self._cache.foreseen() if self._may_be_ready(scope) else None
        if content is None:
            await self._app(scope, receive, send)
        else:
            await ReadyAnswer.kept(content).send(send)

    @staticmethod
    def _may_be_ready(scope: Scope) -> bool:
        """The entry read ahead belongs to the request that was just authorised."""
        if scope["method"] != "GET" or scope.get("caller") is None:
            return False
        return all(name != b"if-none-match" for name, _ in scope["headers"])
