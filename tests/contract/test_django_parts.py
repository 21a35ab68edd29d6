"""What our handlers use of Django, asgiref and Ninja that these do not document.

Each test is about one of the parts that `docs/adr/0002-asgi-handler.md` lists: when an
upgrade takes it away or gives it another meaning, the test of that part fails.
"""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.core.signals import request_finished
from django.db import OperationalError, ProgrammingError, connections
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, path
from django.urls.resolvers import RoutePattern
from ninja import NinjaAPI, Query, Router, Schema
from psycopg import Cursor

ADR = Path(__file__).parents[2] / "docs" / "adr" / "0002-asgi-handler.md"
TESTED: set[str] = set()

Test = TypeVar("Test", bound=Callable[..., Any])


def of(part: str) -> Callable[[Test], Test]:
    """The test is about this part."""

    def named(test: Test) -> Test:
        TESTED.add(part)
        return test

    return named


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"hello")


class Handler(ASGIHandler):
    """Django's, with nothing of the settings around one view."""

    def __init__(self, view: Any = hello) -> None:
        self._urls = (path("there/", view),)
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = self._get_response_async

    def resolve_request(self, request: HttpRequest) -> Any:
        request.urlconf = self._urls  # type: ignore[assignment]
        return super().resolve_request(request)

    async def answer(self) -> HttpResponse:
        response: HttpResponse = await self.get_response_async(asked())
        return response


def asked(body: BytesIO | None = None, kind: bytes = b"") -> ASGIRequest:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/there/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", kind)],
    }
    return ASGIRequest(scope, body or BytesIO())


async def sent(response: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await Handler().send_response(response, send)
    return messages


@pytest.fixture
def finished(clean_database: object) -> Iterator[list[Any]]:
    """Every `request_finished` that is sent; Django looks at its connections then."""
    signals: list[Any] = []

    def note(**about: Any) -> None:
        signals.append(about)

    request_finished.connect(note)
    yield signals
    request_finished.disconnect(note)


class TestRequest:
    @of("HttpRequest._body")
    def test_a_body_that_was_read_elsewhere_is_the_body(self) -> None:
        form = b"application/x-www-form-urlencoded"
        request = asked(BytesIO(b"never read"), form)
        request._body = b"a=1&b=2"
        assert request.body == b"a=1&b=2"
        assert request.POST.dict() == {"a": "1", "b": "2"}


class TestResponse:
    @of("ASGIHandler.send_response")
    async def test_it_sends_status_headers_cookies_and_body(self) -> None:
        response = HttpResponse(b"made", status=201)
        response.set_cookie("name", "value")
        start, body = await sent(response)
        assert (start["type"], start["status"]) == ("http.response.start", 201)
        cookies = [v for n, v in start["headers"] if n.lower() == b"set-cookie"]
        assert [cookie.split(b";")[0] for cookie in cookies] == [b"name=value"]
        assert (body["body"], body["more_body"]) == (b"made", False)

    @of("HttpResponseBase._resource_closers")
    def test_it_has_what_is_to_be_closed_and_no_signal(
        self, finished: list[Any]
    ) -> None:
        class Parts:
            closed = 0

            def __iter__(self) -> Iterator[bytes]:
                return iter([b"part"])

            def close(self) -> None:
                self.closed += 1

        parts = Parts()
        response = StreamingHttpResponse(parts)
        for closer in response._resource_closers:  # type: ignore[attr-defined]
            closer()
        assert (parts.closed, finished) == (1, [])
        # Which is why it is not called.
        response.close()
        assert len(finished) == 1


class TestStockHandler:
    @of("BaseHandler.load_middleware")
    @of("BaseHandler._middleware_chain")
    async def test_the_chain_is_loaded_once_and_answers_each_request(self) -> None:
        class Counted(Handler):
            loads = 0

            def load_middleware(self, is_async: bool = False) -> None:
                assert is_async
                super().load_middleware(is_async)
                self.loads += 1
                self._middleware_chain = self._mine

            async def _mine(self, request: HttpRequest) -> HttpResponse:
                return HttpResponse(b"mine")

        handler = Counted()
        answers = [(await handler.answer()).content for _ in range(2)]
        assert (answers, handler.loads) == ([b"mine", b"mine"], 1)

    @of("BaseHandler._get_response_async")
    @of("BaseHandler.resolve_request")
    async def test_the_innermost_resolves_the_path_and_awaits_the_view(self) -> None:
        handler = Handler()
        assert (await handler._get_response_async(asked())).content == b"hello"

    @of("BaseHandler._view_middleware")
    async def test_it_asks_what_comes_before_the_view(self) -> None:
        async def before(*_: Any) -> HttpResponse:
            return HttpResponse(b"before")

        handler = Handler()
        handler._view_middleware.append(before)
        assert (await handler.answer()).content == b"before"

    @of("BaseHandler._template_response_middleware")
    async def test_it_asks_what_comes_after_a_template(self) -> None:
        class Shown(SimpleTemplateResponse):
            @property
            def rendered_content(self) -> str:
                return "a page"

        async def view(request: HttpRequest) -> HttpResponse:
            return Shown("none.html")

        class After:
            async def process(self, _: HttpRequest, given: HttpResponse) -> Any:
                given["X-After"] = "yes"
                return given

        handler = Handler(view)
        handler._template_response_middleware.append(After().process)
        answer = await handler.answer()
        assert (answer.content, answer["X-After"]) == (b"a page", "yes")

    @of("BaseHandler._exception_middleware")
    async def test_it_asks_who_answers_for_an_error(self) -> None:
        async def view(request: HttpRequest) -> HttpResponse:
            raise ZeroDivisionError

        def caught(request: HttpRequest, error: Exception) -> HttpResponse:
            return HttpResponse(type(error).__name__)

        handler = Handler(view)
        handler._exception_middleware.append(caught)
        assert (await handler.answer()).content == b"ZeroDivisionError"


class TestPaths:
    @of("convert_exception_to_response")
    async def test_what_a_view_raises_becomes_a_response(self) -> None:
        async def lost(request: HttpRequest) -> HttpResponse:
            raise Http404

        response = await convert_exception_to_response(lost)(asked())
        assert response.status_code == 404

    @of("RoutePattern.match")
    def test_it_gives_the_parameters_as_they_were_converted(self) -> None:
        pattern = RoutePattern("things/<int:number>/", is_endpoint=True)
        rest, positional, named = pattern.match("things/7/") or ("", (), {})
        assert (rest, positional, named) == ("", (), {"number": 7})
        assert pattern.match("things/7/more/") is None
        assert str(path("things/<int:number>/", hello).pattern) == str(pattern)


class TestThreads:
    @of("ThreadSensitiveContext(executor=)")
    async def test_what_is_synchronous_runs_where_the_context_says(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="lent") as executor:
            async with ThreadSensitiveContext(executor=executor):
                name = await sync_to_async(lambda: threading.current_thread().name)()
        assert name.startswith("lent")

    @of("BaseDatabaseWrapper.health_check_done")
    def test_a_connection_that_is_known_to_be_good_is_not_looked_at(
        self, clean_database: object
    ) -> None:
        """So a lost one is replaced only where it is not known."""
        for is_known in (False, True):
            connection = connections.create_connection("default")
            connection.ensure_connection()
            connection.connection.close()
            connection.health_check_done = is_known  # type: ignore[attr-defined]
            with (
                pytest.raises(OperationalError) if is_known else nullcontext(),
                connection.cursor(),
            ):
                pass
            connection.close()

    @of("BaseDatabaseWrapper.get_connection_params")
    def test_its_parameters_open_a_connection_to_the_same_database(
        self, clean_database: object
    ) -> None:
        connection = connections["default"]
        theirs = {"context", "cursor_factory", "prepare_threshold"}
        usual = connection.get_connection_params()
        own = {name: value for name, value in usual.items() if name not in theirs}
        with psycopg.connect(**own) as opened, connection.cursor() as cursor:
            for asked in ("SELECT current_database()", "SHOW statement_timeout"):
                cursor.execute(asked)
                assert opened.execute(asked).fetchone() == cursor.fetchone()

    @of("BaseDatabaseWrapper._prepare_cursor")
    def test_a_cursor_of_ours_counts_and_raises_as_those_of_django(
        self, clean_database: object
    ) -> None:
        connection = connections["default"]
        with CaptureQueriesContext(connection) as captured:
            cursor = Cursor(connection.connection)
            with connection._prepare_cursor(cursor) as prepared:  # type: ignore[attr-defined]
                prepared.execute("SELECT %(number)s::int", {"number": 3})
                assert prepared.fetchone() == (3,)
                with pytest.raises(ProgrammingError):
                    prepared.execute("SELECT nothing", {})
        assert len(captured) == 2


class TestNinja:
    class Asked(Schema):
        first: int = 0
        second: int = 0

    @of("view._ninja_operation")
    @of("model.__ninja_param_source__")
    @of("model.__ninja_flatten_map__")
    def test_an_operation_knows_its_query_parameters(self) -> None:
        async def view(request: HttpRequest, asked: Query[TestNinja.Asked]) -> None: ...

        view.__annotations__["asked"] = Query[self.Asked]
        Router().add_api_operation("/", ["GET"], view)
        [model] = [
            model
            for model in view._ninja_operation.models  # type: ignore[attr-defined]
            if model.__ninja_param_source__ == "query"
        ]
        assert set(model.__ninja_flatten_map__) == {"first", "second"}

    @of("NinjaAPI.urls")
    def test_the_patterns_of_an_api_are_those_of_django(self) -> None:
        api = NinjaAPI(openapi_url=None, docs_url=None, urls_namespace="a test")
        api.get("/there/", url_name="it")(hello)
        patterns = [p for p in api.urls[0] if isinstance(p, URLPattern)]
        assert "it" in {pattern.name for pattern in patterns}


def test_the_decision_lists_these_parts_and_no_others() -> None:
    text = ADR.read_text().partition("**Parts.**")[2]
    assert set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)) == TESTED
