"""A stand-in for the API, small enough to test its launcher and the demonstration against."""

import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class StandInApi:
    """Keeps videos in memory: ready at the second look, with a picture at the third."""

    PICTURE = b"\xff\xd8\xff and so on"

    def __init__(self, address: str) -> None:
        self._address = address
        self._videos: dict[str, bytes] = {}
        self._looks: dict[str, int] = {}

    async def __call__(
        self, scope: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = await self._body(receive)
        status, content = self._answer(scope["method"], scope["path"], body)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content})

    async def _live(self, receive: Receive, send: Send) -> None:
        for expected in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{expected}.complete"})

    async def _body(self, receive: Receive) -> bytes:
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        words = path.strip("/").split("/")
        if path == "/auth/signin/":
            known = json.loads(body)["password"] == "operator-password"
            return (200, b'{"access": "token"}') if known else (401, b'{"title": "No"}')
        if method == "POST":
            return self._upload(body)
        if words[0] == "miniatures":
            return 200, self.PICTURE
        if words[0] == "cdn":
            return 200, self._videos[words[1]]
        if words[-1] == "jobs":
            return 200, json.dumps({"items": [self._job()]}).encode()
        return 200, b"{}" if words[0] == "health" else self._media(words[1])

    def _upload(self, body: bytes) -> tuple[int, bytes]:
        boundary = body.partition(b"\r\n")[0]
        part = next(part for part in body.split(boundary) if b'name="video"' in part)
        video = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        digest = hashlib.sha256(video).hexdigest()
        known = digest in self._videos
        self._videos[digest] = video
        return 201, json.dumps({"uuid": digest, "deduplicated": known}).encode()

    def _media(self, digest: str) -> bytes:
        looks = self._looks[digest] = self._looks.get(digest, 0) + 1
        picture = f"{self._address}/miniatures/{digest}" if looks > 2 else None
        media = {
            "uuid": digest,
            "sha256": digest,
            "status": "ready" if looks > 1 else "processing",
            "urls": {"video": f"{self._address}/cdn/{digest}", "miniature": picture},
            "jobs": {"make_miniature": "succeeded" if picture else "running"},
            "technical": {"duration": 10.0},
        }
        return json.dumps(media).encode()

    def _job(self) -> dict[str, object]:
        return {"kind": "upload_to_cdn", "status": "running", "progress": 50}


application = StandInApi(f"http://127.0.0.1:{os.environ.get('API_PORT')}")
