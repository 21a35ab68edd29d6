"""The ASGI layers, outermost first: context, guard, files, caller, Django."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from backend.api.api import Api
from backend.api.http.asgi import AsgiApp, Receive, Scope, Send
from backend.api.http.body_reader import BodyReader
from backend.api.http.errors import Problems
from backend.api.http.handler import LeanHandler, StockHandler
from backend.api.http.middleware import JwtMiddleware
from backend.api.http.request_context import RequestContext
from backend.api.http.request_guard import RequestGuard
from backend.api.http.static_files import StaticFiles
from backend.use_cases.ports import AccountLedger, TokenIssuer

Step = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What may differ from one installation to the next."""

    allowed_hosts: Sequence[str]
    body_limit_bytes: int
    static_folders: Sequence[Path]
    static_prefix: str = "/static/"
    body_deadline_seconds: float = 15.0
    stock_handler: bool = False


class HttpStack:
    """Builds the layers around an `Api`."""

    def __init__(
        self,
        api: Api,
        tokens: TokenIssuer,
        accounts: AccountLedger,
        problems: Problems,
        options: HttpOptions,
    ) -> None:
        self._api = api
        self._tokens = tokens
        self._accounts = accounts
        self._problems = problems
        self._options = options

    def build(self) -> AsgiApp:
        options, problems = self._options, self._problems
        guarded = JwtMiddleware(
            self._handler(), self._api.routes, self._tokens, self._accounts, problems
        )
        files = StaticFiles(
            guarded, options.static_prefix, options.static_folders, problems
        )
        guard = RequestGuard(files, options.allowed_hosts, problems)
        return RequestContext(guard, problems)

    def _handler(self) -> AsgiApp:
        reader = BodyReader(
            self._options.body_limit_bytes, self._options.body_deadline_seconds
        )
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
        """Every closer has its turn, whatever happens to the others."""
        for close in self._closers:
            try:
                await close()
            except Exception:
                log.exception("application.close_failed")
