"""From ASGI to Django's requests and back."""

from collections.abc import Sequence
from io import BytesIO
from typing import IO, Any, Protocol

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver

from backend.api.http.asgi import Message, Receive, Scope, Send, Step
from backend.api.http.body_reader import BodyReader
from backend.api.http.errors import Problems
from backend.api.http.refusals import ClientDisconnected
from backend.api.http.routes import Routes
from backend.domain.errors import (
    Malformed,
    MediaProjectError,
    Unauthenticated,
    UnsupportedType,
)
from backend.domain.media import Caller

BODILESS_METHODS = frozenset({"GET", "HEAD"})
BODILESS_STATUSES = frozenset({204, 304})

UrlPatterns = Sequence[URLPattern | URLResolver]


class ApiRequest(ASGIRequest):
    """A request that knows its caller and, with a multipart body, how to receive it."""

    scope: Scope

    def __init__(
        self, scope: Scope, body_file: IO[bytes], receive: Receive | None = None
    ) -> None:
        super().__init__(scope, body_file)
        self._receive = receive

    @property
    def caller(self) -> Caller | None:
        """None if the operation is public."""
        caller: Caller | None = self.scope.get("caller")
        return caller

    @property
    def auth(self) -> Caller:
        """The signed-in caller. Raises `Unauthenticated`."""
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    @property
    def client_address(self) -> str:
        """Where the request came from, as far as proxies are trusted."""
        address: str = self.scope["client_address"]
        return address

    @property
    def request_id(self) -> str:
        request_id: str = self.scope.get("request_id", "")
        return request_id

    @property
    def receive(self) -> Receive:
        """Receives the body that was left unread.

        Raises `UnsupportedType` if the body is not multipart.
        """
        if self._receive is None:
            raise UnsupportedType("This operation takes multipart/form-data.")
        return self._receive

    @property
    def body(self) -> bytes:
        """Raises `UnsupportedType` for a body that was left to be streamed."""
        if self._receive is not None:
            raise UnsupportedType("This operation does not take multipart/form-data.")
        return super().body

    def after_answer(self, step: Step) -> None:
        """Run this after the answer was sent, before the next request of the
        connection."""
        self.scope["after_answer"] = step

    def take(self, body: bytes) -> None:
        """Set the body that the handler has read."""
        self._body = body
        self._receive = None


class LeanHandler(ASGIHandler):
    """Django's handler without middleware, signals and thread hops.

    Django's own makes and joins threads for every request. Bodies of `multipart/` are
    left for the operation to stream; a disconnect of the client is not watched for.
    """

    def __init__(
        self, routes: Routes, body_reader: BodyReader, problems: Problems
    ) -> None:
        # ASGIHandler's own would load the middleware, which is not run here.
        self._routes = routes
        self._body_reader = body_reader
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._response(scope, receive)
        except ClientDisconnected:
            return
        except Exception as error:  # noqa: BLE001 - every refusal is told in one way
            await self._problems.send(error, scope, send)
            return
        await self._answer(response, scope, send)

    async def _response(self, scope: Scope, receive: Receive) -> HttpResponseBase:
        """A path that does not exist is refused before the body is read."""
        route = self._routes.of(scope)
        if route is None:
            raise Http404
        request = self._request(scope, receive)
        await self._take_body(request, scope, receive)
        response = await route.view(request, **route.parameters)
        return self._problems.settled(response, request)

    @staticmethod
    def _request(scope: Scope, receive: Receive) -> ApiRequest:
        try:
            return ApiRequest(scope, BytesIO(), receive)
        except UnicodeDecodeError:
            raise Malformed("The query string is not UTF-8.") from None

    async def _take_body(
        self, request: ApiRequest, scope: Scope, receive: Receive
    ) -> None:
        if request.method in BODILESS_METHODS:
            request.take(b"")
        elif not self._body_reader.leaves(scope):
            request.take(await self._body_reader.read(scope, receive))

    async def _answer(
        self, response: HttpResponseBase, scope: Scope, send: Send
    ) -> None:
        try:
            if isinstance(response, HttpResponse) and not response.cookies:
                await self._send_at_once(response, scope.get("after_answer"), send)
            else:
                await self.send_response(response, send)
        finally:
            # response.close() would also send Django's signal request_finished.
            for closer in response._resource_closers:  # type: ignore[attr-defined]
                closer()

    @staticmethod
    async def _send_at_once(
        response: HttpResponse, step: Step | None, send: Send
    ) -> None:
        """The length marks the end of the answer, even while a later step keeps it
        open."""
        body, status = response.content, response.status_code
        headers = [
            (n.lower().encode(), v.encode("latin-1")) for n, v in response.items()
        ]
        if status not in BODILESS_STATUSES and "Content-Length" not in response:
            headers.append((b"content-length", str(len(body)).encode()))
        await send(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        message = {"type": "http.response.body", "body": body}
        if step is not None:
            await send({**message, "more_body": True})
            await step()
            message["body"] = b""
        await send(message)


class Pages(Protocol):
    """Pages for people, behind Django's own middleware."""

    async def answer(self, request: ApiRequest) -> HttpResponseBase: ...


class PagesHandler(LeanHandler):
    """Answers from `Pages`: every body is small, and is read first."""

    def __init__(
        self, pages: Pages, body_reader: BodyReader, problems: Problems
    ) -> None:
        self._pages = pages
        self._body_reader = body_reader
        self._problems = problems

    async def _response(self, scope: Scope, receive: Receive) -> HttpResponseBase:
        request = self._request(scope, receive)
        bodiless = request.method in BODILESS_METHODS
        body = b"" if bodiless else await self._body_reader.read(scope, receive)
        request.take(body)
        return await self._pages.answer(request)


class BodyReplay:
    """Replays a body that has been read, as an ASGI `receive`."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """First the body, then only a disconnect."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while (message := await self._receive())["type"] != "http.disconnect":
            pass
        return message


class StockHandler(ASGIHandler):
    """Django's own handler with our limits and refusals, to compare `LeanHandler` with.

    It reads every body: operations that stream multipart bodies do not work here.
    """

    request_class = ApiRequest

    def __init__(
        self, urlpatterns: UrlPatterns, body_reader: BodyReader, problems: Problems
    ) -> None:
        self._urlconf = tuple(urlpatterns)
        self._body_reader = body_reader
        self._problems = problems
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """Without the middleware of the settings, which is for the admin."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._body_reader.read(scope, receive)
        except ClientDisconnected:
            return
        except MediaProjectError as error:
            await self._problems.send(error, scope, send)
            return
        await super().__call__(scope, BodyReplay(body, receive), send)

    def resolve_request(self, request: HttpRequest) -> Any:
        request.urlconf = self._urlconf  # type: ignore[assignment]
        return super().resolve_request(request)

    async def _get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        try:
            response = await super()._get_response_async(request)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - every refusal is told in one way
            return self._problems.response(error, request)
        return self._problems.settled(response, request)
