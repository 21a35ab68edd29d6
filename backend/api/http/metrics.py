"""Counts requests, and serves the counts to Prometheus."""

import asyncio
import time
from secrets import compare_digest
from typing import Protocol

import structlog

from backend.api.http.asgi import AsgiApp, Message, Receive, Scope, Send
from backend.api.http.errors import Problems, WrongMethod
from backend.api.http.middleware import BearerToken
from backend.api.http.routes import Route
from backend.domain.errors import DatabaseAway, InvalidToken, MediaProjectError
from backend.domain.figures import Figures
from backend.use_cases.ports.metrics import FiguresReader, RequestObserver

METRICS_PATH = "/metrics"
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
# Other methods make no series of their own.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"

log = structlog.get_logger(__name__)


class MeasuredRequests:
    """Counts each request by its route, never by its path, as paths are unlimited.

    `other` stands for requests that no route of the API answered: the admin, files,
    unknown paths, and refusals before routing.
    """

    def __init__(self, app: AsgiApp, observer: RequestObserver) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status: int | None = None

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            self._observer.answered(*self.names(scope), status, seconds)

    @staticmethod
    def names(scope: Scope) -> tuple[str, str]:
        """The method and the route, both from fixed sets."""
        method: str = scope["method"]
        route: Route | None = scope.get("route")
        return method if method in METHODS else OTHER, (
            route.template if route else OTHER
        )


class Exposition(Protocol):
    """Writes all counts; may take milliseconds."""

    def rendered(self, figures: Figures | None) -> bytes: ...


class MetricsPage:
    """Answers only requests that carry the token.

    If PostgreSQL is away, the other counts are still shown.
    """

    def __init__(
        self,
        token: str,
        exposition: Exposition,
        figures: FiguresReader,
        problems: Problems,
    ) -> None:
        self._token = token.encode()
        self._exposition = exposition
        self._figures = figures
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
        except MediaProjectError as error:
            await self._problems.send(error, scope, send)
            return
        body = await asyncio.to_thread(self._exposition.rendered, await self._read())
        headers = [
            (b"content-type", CONTENT_TYPE),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _check(self, scope: Scope) -> None:
        """Raises `Unauthenticated`, `InvalidToken`, `WrongMethod`."""
        if not compare_digest(BearerToken.read(scope).encode(), self._token):
            raise InvalidToken("This is not the token of the metrics.")
        if scope["method"] != "GET":
            raise WrongMethod(["GET"])

    async def _read(self) -> Figures | None:
        try:
            return await self._figures.read()
        except DatabaseAway as error:
            log.warning("metrics.database_away", reason=repr(error))
            return None
