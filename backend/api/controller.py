"""What every controller is built on."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ninja import Router
from ninja.constants import NOT_SET

from backend.api.http.errors import PROBLEM_TYPE
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.domain.errors import Invalid

Handler = Callable[..., Awaitable[Any]]

PROBLEM_CONTENT = {
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
}
PROBLEM_DESCRIPTIONS = {
    400: "Malformed syntax",
    401: "No or bad token, or bad credentials",
    403: "Right missing",
    404: "No such thing",
    408: "The body came too slowly",
    409: "The state of things forbids it",
    412: "If-Match does not match",
    413: "Too large",
    415: "Unsupported content type or content",
    422: "Well-formed but invalid",
    429: "Too many requests",
    503: "A store that the answer needs is away",
    507: "Staging is full",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation as its controller declares it; no other has its `name`."""

    name: str
    path: str
    methods: tuple[str, ...]
    access: Access
    view: Handler
    options: dict[str, Any]
    # Names of query parameters; known once Ninja has read the signature.
    query_names: set[str] = field(default_factory=set)

    def mount(self, router: Router) -> None:
        router.add_api_operation(
            self.path,
            list(self.methods),
            self.view,
            operation_id=self.name,
            url_name=self.name,
            **self.options,
        )
        operation = self.view._ninja_operation  # type: ignore[attr-defined]
        for model in operation.models:
            if model.__ninja_param_source__ == "query":
                self.query_names.update(model.__ninja_flatten_map__)


class Controller:
    """Declares operations; `Api` mounts those of all controllers on one router.

    One router, because Django would answer 405 for the second of two controllers
    that serve different methods of the same path.
    """

    tag: ClassVar[str]

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []

    def add(
        self,
        path: str,
        method: str,
        handler: Handler,
        *,
        access: Access,
        name: str | None = None,
        response: Any = NOT_SET,
        problems: Iterable[int] = (),
        openapi_extra: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Declare an operation: `problems` names the statuses that are its own.

        A GET also answers HEAD. `name` is the handler's unless it serves a second path.
        `options` go to Ninja's `add_api_operation`.
        """
        names: set[str] = set()
        methods = ("GET", "HEAD") if method == "GET" else (method,)
        documented = OperationDocument(path, method, access, tuple(problems))
        declared = {
            "response": response,
            "tags": [self.tag],
            "openapi_extra": documented.extended(openapi_extra or {}),
            **options,
        }
        view = self._as_view(handler, access, names)
        unique = f"{self.tag}_{name or handler.__name__}"
        self.endpoints.append(
            Endpoint(unique, path, methods, access, view, declared, names)
        )

    @staticmethod
    def _as_view(handler: Handler, access: Access, names: set[str]) -> Handler:
        """Ninja sets an attribute on the view, which a bound method refuses.

        The access is checked again: whatever went wrong in front, nothing opens here.
        """

        @functools.wraps(handler)
        async def view(request: ApiRequest, **parameters: Any) -> Any:
            access.check(request.caller)
            if request.META["QUERY_STRING"] and not names.issuperset(request.GET):
                unknown = sorted(set(request.GET) - names)
                raise Invalid(
                    problems={n[:100]: "Unknown parameter" for n in unknown[:20]}
                )
            return await handler(request, **parameters)

        signature = inspect.signature(handler, eval_str=True)
        view.__signature__ = signature  # type: ignore[attr-defined]
        return view


@dataclass(frozen=True, slots=True)
class OperationDocument:
    """What OpenAPI says of an operation besides what Ninja finds out itself."""

    path: str
    method: str
    access: Access
    problems: tuple[int, ...]

    def extended(self, extra: dict[str, Any]) -> dict[str, Any]:
        responses = {
            status: {"description": PROBLEM_DESCRIPTIONS[status], **PROBLEM_CONTENT}
            for status in sorted(self._statuses())
        }
        document: dict[str, Any] = {
            "responses": {**responses, **extra.get("responses", {})}
        }
        if not self.access.public:
            document["security"] = [{"bearer": []}]
        return {**extra, **document}

    def _statuses(self) -> set[int]:
        statuses = set(self.problems)
        if not self.access.public:
            statuses |= {401, 503}
        if self.access.rights:
            statuses.add(403)
        if "{" in self.path:
            statuses.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            statuses |= {400, 408, 413, 415, 422}
        return statuses
