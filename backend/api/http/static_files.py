"""The few files of Swagger UI and the admin."""

import asyncio
import mimetypes
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from backend.api.http.asgi import AsgiApp, Headers, Receive, Scope, Send
from backend.api.http.errors import Problems, WrongMethod
from backend.domain.errors import NotFound

METHODS = ("GET", "HEAD")


class StaticFile:
    """A file with its headers; read on a thread when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._body = b""
        self._headers: Headers = []

    async def content(self) -> tuple[Headers, bytes]:
        if not self._headers:
            self._body = await asyncio.to_thread(self._path.read_bytes)
            self._headers = self._described(self._body)
        return self._headers, self._body

    def _described(self, body: bytes) -> Headers:
        media_type = mimetypes.guess_type(self._path.name)[0]
        return [
            (b"content-type", (media_type or "application/octet-stream").encode()),
            (b"content-length", str(len(body)).encode()),
            (b"etag", f'"{sha256(body).hexdigest()[:32]}"'.encode()),
            (b"cache-control", b"public, max-age=3600"),
        ]


class StaticFiles:
    """Answers everything below a prefix from folders listed at the start.

    Names are looked up in that list, so no request can reach another file.
    """

    def __init__(
        self, app: AsgiApp, prefix: str, folders: Iterable[Path], problems: Problems
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._problems = problems
        self._files = {
            prefix + path.relative_to(folder).as_posix(): StaticFile(path)
            for folder in folders
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".map"
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        file = self._files.get(scope["path"])
        if file is None:
            await self._problems.send(NotFound("No such file."), scope, send)
        elif scope["method"] not in METHODS:
            await self._problems.send(WrongMethod(METHODS), scope, send)
        else:
            await self._send(file, scope, send)

    async def _send(self, file: StaticFile, scope: Scope, send: Send) -> None:
        headers, body = await file.content()
        known = (b"if-none-match", dict(headers)[b"etag"]) in scope["headers"]
        status = 304 if known else 200
        if known:
            headers, body = [h for h in headers if h[0] != b"content-length"], b""
        await send(
            {"type": "http.response.start", "status": status, "headers": headers[:]}
        )
        await send({"type": "http.response.body", "body": body})
