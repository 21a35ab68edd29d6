"""The ASGI layers, outermost first: context, address, guard, files, pages, caller, ready
answers, API."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from backend.api.api import Api
from backend.api.http.asgi import AsgiApp, Receive, Scope, Send, Step
from backend.api.http.body_reader import BodyReader
from backend.api.http.client_address import ClientAddress, Network, TrustedProxies
from backend.api.http.errors import Problems
from backend.api.http.handler import LeanHandler, Pages, PagesHandler, StockHandler
from backend.api.http.middleware import JwtMiddleware
from backend.api.http.ready_answers import ReadyAnswers
from backend.api.http.request_context import RequestContext
from backend.api.http.request_guard import RequestGuard
from backend.api.http.static_files import StaticFiles
from backend.use_cases.ports import AnswerCache, Callers, TokenIssuer

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Settings that may differ between installations."""

    allowed_hosts: Sequence[str]
    body_limit_bytes: int
    static_folders: Sequence[Path]
    static_prefix: str = "/static/"
    pages_path: str = "/admin"
    body_deadline_seconds: float = 15.0
    trusted_proxies: Sequence[Network] = ()
    stock_handler: bool = False


class Mounted:
    """Mounts another application at a path and everything below it."""

    def __init__(self, app: AsgiApp, path: str, mounted: AsgiApp) -> None:
        self._app = app
        self._path = path
        self._below = f"{path}/"
        self._mounted = mounted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        is_below = path == self._path or path.startswith(self._below)
        await (self._mounted if is_below else self._app)(scope, receive, send)


class AtPath:
    """Mounts another application at exactly one path."""

    def __init__(self, app: AsgiApp, path: str, other: AsgiApp) -> None:
        self._app = app
        self._path = path
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_there = scope["path"] == self._path
        await (self._other if is_there else self._app)(scope, receive, send)


class HttpStack:
    """Builds the layers around an `Api`."""

    def __init__(
        self,
        api: Api,
        tokens: TokenIssuer,
        callers: Callers,
        problems: Problems,
        options: HttpOptions,
        answers: AnswerCache | None,
        pages: Pages | None = None,
    ) -> None:
        """Without `answers` nothing is cached; without `pages` there is no admin."""
        self._api = api
        self._tokens = tokens
        self._callers = callers
        self._problems = problems
        self._options = options
        self._pages = pages
        self._answers = answers

    def build(self) -> AsgiApp:
        options, problems = self._options, self._problems
        guarded = JwtMiddleware(
            self._with_answers(self._handler()),
            self._api.routes,
            self._tokens,
            self._callers,
            problems,
        )
        files = StaticFiles(
            self._with_pages(guarded),
            options.static_prefix,
            options.static_folders,
            problems,
        )
        guard = RequestGuard(files, options.allowed_hosts, problems)
        addressed = ClientAddress(guard, TrustedProxies(options.trusted_proxies))
        return RequestContext(addressed, problems)

    def _with_answers(self, app: AsgiApp) -> AsgiApp:
        return ReadyAnswers(app, self._answers) if self._answers else app

    def _with_pages(self, app: AsgiApp) -> AsgiApp:
        if self._pages is None:
            return app
        pages = PagesHandler(self._pages, self._reader(), self._problems)
        return Mounted(app, self._options.pages_path, pages)

    def _reader(self) -> BodyReader:
        options = self._options
        return BodyReader(options.body_limit_bytes, options.body_deadline_seconds)

    def _handler(self) -> AsgiApp:
        reader = self._reader()
        if self._options.stock_handler:
            return StockHandler(self._api.urlpatterns, reader, self._problems)
        return LeanHandler(self._api.routes, reader, self._problems)


class Application:
    """The ASGI entry: HTTP, and the start and the end of the process."""

    def __init__(
        self, http: AsgiApp, starters: Sequence[Step], closers: Sequence[Step]
    ) -> None:
        self._http = http
        self._starters = starters
        self._closers = closers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            for start in self._starters:
                await start()
        except Exception as error:
            log.exception("application.not_started")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _close(self) -> None:
        """Runs every closer, even if others fail."""
        for close in self._closers:
            try:
                await close()
            except Exception:
                log.exception("application.close_failed")
