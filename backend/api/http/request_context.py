"""The outermost layer of every HTTP request."""

import re
from uuid import uuid4

import structlog

from backend.api.http.asgi import AsgiApp, Headers, Message, Receive, Scope, Send
from backend.api.http.errors import Problems
from backend.domain.patience import Patience

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
# Headers that an answer may set itself.
DEFAULT_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store, private"),
    (b"referrer-policy", b"no-referrer"),
]
# Every answer comes within 5 s; one second is left for everything but the stores.
STORE_SECONDS = 4.0

log = structlog.get_logger(__name__)


class Answer:
    """Adds our headers to every answer, and records whether it has started."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._request_id = request_id
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = self._completed(message.get("headers", []))
            message = {**message, "headers": headers}
        await self._send(message)

    def _completed(self, headers: Headers) -> Headers:
        present = {name.lower() for name, _ in headers}
        defaults = [header for header in DEFAULT_HEADERS if header[0] not in present]
        return [
            *headers,
            *SECURITY_HEADERS,
            *defaults,
            (b"x-request-id", self._request_id),
        ]


class RequestContext:
    """Names the request, completes the headers and catches all remaining errors."""

    def __init__(self, app: AsgiApp, problems: Problems) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._request_id(scope)
        scope["request_id"] = request_id.decode("ascii")
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        answer = Answer(send, request_id)
        try:
            with Patience.of_request(STORE_SECONDS):
                await self._app(scope, receive, answer.send)
        except Exception as error:
            if answer.started:
                log.exception("request.broken_off", path=scope["path"])
                raise
            await self._problems.send(error, scope, answer.send)

    @staticmethod
    def _request_id(scope: Scope) -> bytes:
        """The client's id if it is well-formed, or a new one."""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                given: bytes = value
                return given
        return uuid4().hex.encode()
