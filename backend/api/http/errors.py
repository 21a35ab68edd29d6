"""The one table from errors to HTTP statuses, and the form of a refusal."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from backend.api.http.asgi import Scope, Send
from backend.api.http.refusals import MalformedJson, MethodNotAllowed, SlowBody
from backend.domain.errors import (
    Conflict,
    DatabaseAway,
    Forbidden,
    InternalError,
    Invalid,
    Malformed,
    MediaProjectError,
    NotFound,
    PreconditionFailed,
    StorageFull,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)
from backend.orm.away import Away

# The most specific class of an error decides.
STATUS_BY_ERROR: dict[type[MediaProjectError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    SlowBody: 408,
    Conflict: 409,
    PreconditionFailed: 412,
    TooLarge: 413,
    UnsupportedType: 415,
    Invalid: 422,
    TooManyRequests: 429,
    InternalError: 500,
    Unavailable: 503,
    StorageFull: 507,
}
HEADERS_BY_STATUS = {
    401: {"WWW-Authenticate": "Bearer"},
    # The rest of the body may still be arriving slowly.
    408: {"Connection": "close"},
    503: {"Retry-After": "5"},
}
PROBLEM_TYPE = "application/problem+json"
MOST_FIELD_ERRORS = 20
MOST_ECHOED_CHARACTERS = 200

log = structlog.get_logger(__name__)


def status_of(error: type[MediaProjectError]) -> int:
    return next(STATUS_BY_ERROR[k] for k in error.__mro__ if k in STATUS_BY_ERROR)


class WrongMethod(MethodNotAllowed):
    """Lists the methods of the path, as HTTP requires for a 405."""

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.allowed = ", ".join(sorted(allowed))


class ErrorTranslator:
    """Translates what Django, Ninja and the database raise into our errors."""

    def translate(self, error: Exception) -> MediaProjectError:
        match error:
            case MediaProjectError():
                return error
            case ValidationError():
                return self._invalid(error.errors)
            case HttpError():
                return self._ninja(error)
            case Http404():
                return NotFound()
            case RequestDataTooBig():
                return TooLarge()
            case SuspiciousOperation():
                return Malformed()
        return DatabaseAway() if Away.is_meant_by(error) else InternalError()

    @staticmethod
    def _ninja(error: HttpError) -> MediaProjectError:
        """Ninja wraps whatever our parser raises in an `HttpError` 400."""
        if isinstance(error.__cause__, MediaProjectError):
            return error.__cause__
        return MalformedJson() if error.status_code == 400 else InternalError()

    def _invalid(self, errors: list[dict[str, Any]]) -> MediaProjectError:
        if any(error["loc"][0] == "path" for error in errors):
            return NotFound()
        return Invalid(
            problems={
                self._field(e["loc"]): e["msg"] for e in errors[:MOST_FIELD_ERRORS]
            }
        )

    @staticmethod
    def _field(location: tuple[str | int, ...]) -> str:
        """The name a client knows: Ninja puts the source and our parameter before it."""
        source, *names = location
        if source in ("body", "form"):
            names = names[1:]
        name = ".".join(str(part) for part in names) or str(source)
        return name[:MOST_ECHOED_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal, ready to be sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Problems:
    """Renders every refusal, whatever raised it, as problem+json (RFC 9457)."""

    def __init__(self, translator: ErrorTranslator) -> None:
        self._translator = translator

    def describe(self, raised: Exception, path: str) -> Problem:
        """Also logs unforeseen errors."""
        error = self._translator.translate(raised)
        status = status_of(type(error))
        if status >= 500:
            self._note(error, raised, path)
        body = self.body(error, path)
        return Problem(status, body, self._headers(error, status))

    def response(self, raised: Exception, request: HttpRequest) -> HttpResponse:
        """Synchronous, as Ninja does not await its exception handlers."""
        problem = self.describe(raised, request.path)
        return HttpResponse(
            problem.body,
            status=problem.status,
            headers={"Content-Type": PROBLEM_TYPE, **problem.headers},
        )

    def settled(
        self, response: HttpResponseBase, request: HttpRequest
    ) -> HttpResponseBase:
        """The response, or a problem in place of Ninja's plain text 405.

        Also removes the content type that Ninja sets on a 204.
        """
        if response.status_code == HTTPStatus.NO_CONTENT:
            del response["Content-Type"]
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        allowed = response["Allow"].replace(" ", "").split(",")
        return self.response(WrongMethod(allowed), request)

    async def send(self, raised: Exception, scope: Scope, send: Send) -> None:
        problem = self.describe(raised, scope["path"])
        headers = [
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"content-length", str(len(problem.body)).encode()),
        ]
        headers += [
            (n.lower().encode(), v.encode()) for n, v in problem.headers.items()
        ]
        await send(
            {
                "type": "http.response.start",
                "status": problem.status,
                "headers": headers,
            }
        )
        await send({"type": "http.response.body", "body": problem.body})

    def install(self, api: NinjaAPI) -> None:
        """Replace Ninja's own four handlers."""
        for kind in (Exception, Http404, HttpError, ValidationError):
            api.add_exception_handler(kind, self._for_ninja)

    def _for_ninja(
        self, request: HttpRequest, raised: Exception | type[Exception]
    ) -> HttpResponse:
        error = raised if isinstance(raised, Exception) else raised()
        return self.response(error, request)

    @staticmethod
    def _headers(error: MediaProjectError, status: int) -> dict[str, str]:
        """An error may bring its own `retry_after_seconds`."""
        headers = dict(HEADERS_BY_STATUS.get(status, {}))
        seconds = getattr(error, "retry_after_seconds", None)
        if seconds is not None:
            headers["Retry-After"] = str(seconds)
        if isinstance(error, WrongMethod):
            headers["Allow"] = error.allowed
        return headers

    @staticmethod
    def _note(error: MediaProjectError, raised: Exception, path: str) -> None:
        if isinstance(error, InternalError):
            log.error("request.failed", path=path, exc_info=raised)
        else:
            log.warning("request.refused", path=path, code=error.code)

    @staticmethod
    def body(error: MediaProjectError, path: str) -> bytes:
        problem = {
            "type": f"/errors/{error.code}",
            "title": error.title,
            "status": status_of(type(error)),
            "detail": str(error),
            "code": error.code,
            "instance": path[:MOST_ECHOED_CHARACTERS],
            "errors": [{"field": f, "message": m} for f, m in error.problems.items()],
            **error.members,
        }
        return json.dumps(problem).encode()
