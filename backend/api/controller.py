"""The base of all controllers."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ninja import Router
from ninja.constants import NOT_SET

from backend.api.document.operation import OperationDocument, Refusal
from backend.api.http.handler import ApiRequest
from backend.api.http.routes import Access
from backend.domain.errors import Invalid

Handler = Callable[..., Awaitable[Any]]


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
        problems: Iterable[Refusal] = (),
        openapi_extra: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Declare an operation: `problems` names the refusals that are its own.

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

        The access is checked again here, in case a layer in front failed to.
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
