"""Finds the operation of a path and who may call it, before Django sees the request."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.http.response import HttpResponseBase
from django.urls import URLPattern, register_converter
from django.urls.converters import UUIDConverter
from django.urls.resolvers import RoutePattern

from backend.api.http.asgi import Scope
from backend.domain.errors import Forbidden, RightMissing, Unauthenticated
from backend.domain.media import Caller
from backend.domain.rights import Right


class AnyUuid(UUIDConverter):
    """A UUID in a path, in capitals too (RFC 9562, 4); Django takes small letters only."""

    regex = UUIDConverter.regex.replace("a-f", "a-fA-F")


# For `{any_uuid:name}`; here, as Django takes a name once in each process.
register_converter(AnyUuid, "any_uuid")


@dataclass(frozen=True, slots=True)
class Access:
    """`rights`: one of them is enough; none means that being signed in is enough.

    `closed` is the refusal for every caller, if any.
    """

    public: bool = False
    rights: frozenset[Right] = frozenset()
    closed: type[Forbidden] | None = None

    @classmethod
    def any_of(cls, *rights: Right) -> Self:
        return cls(rights=frozenset(rights))

    def check(self, caller: Caller | None) -> None:
        """Raises `Unauthenticated`, `RightMissing` or the error in `closed`."""
        if self.closed is not None:
            raise self.closed
        if self.public:
            return
        if caller is None:
            raise Unauthenticated
        if self.rights and self.rights.isdisjoint(caller.rights):
            raise self.missing()

    def missing(self) -> RightMissing:
        needed = " or ".join(sorted(self.rights))
        return RightMissing(f"This needs {needed}, which your role does not give.")


PUBLIC = Access(public=True)
SIGNED_IN = Access()


@dataclass(frozen=True, slots=True)
class Route:
    """The route of a path: `accesses` by method, `parameters` as Django converted them.

    `template` is the path with names for its variable parts: `/media/{media_id}/`.
    """

    view: Callable[..., Awaitable[HttpResponseBase]]
    accesses: Mapping[str, Access]
    parameters: Mapping[str, Any]
    template: str


class Routes:
    """Finds the route of a path, as Django's resolver would, without trying all
    patterns.

    Paths without parameters are looked up in a dictionary, then Django's own patterns
    are tried that share the first segment. `Api` orders its patterns the same way.
    """

    _PARAMETER: ClassVar = re.compile(r"<(?:\w+:)?(\w+)>")

    def __init__(self) -> None:
        self._accesses: dict[str, dict[str, Access]] = {}
        self._exact: dict[str, Route] = {}
        self._by_segment: dict[str, list[tuple[RoutePattern, Route]]] = {}

    def add(self, pattern: URLPattern, methods: Iterable[str], access: Access) -> None:
        """Ninja has a pattern for each operation; the first one of a path answers all."""
        text = str(pattern.pattern)
        if text not in self._accesses:
            self._accesses[text] = {}
            self._index(text, pattern)
        self._accesses[text].update(dict.fromkeys(methods, access))

    def of(self, scope: Scope) -> Route | None:
        """The route of a request; looked up once, then remembered in the scope."""
        if "route" not in scope:
            scope["route"] = self._find(scope["path"])
        route: Route | None = scope["route"]
        return route

    def _index(self, text: str, pattern: URLPattern) -> None:
        template = "/" + self._PARAMETER.sub(r"{\1}", text)
        route = Route(pattern.callback, self._accesses[text], {}, template)
        if "<" not in text:
            self._exact[f"/{text}"] = route
            return
        segment = text.partition("/")[0]
        if "<" in segment:
            raise ValueError(f"/{text} must not begin with a parameter")
        matcher = RoutePattern(text, is_endpoint=True)
        self._by_segment.setdefault(segment, []).append((matcher, route))

    def _find(self, path: str) -> Route | None:
        route = self._exact.get(path)
        if route is not None:
            return route
        path = path[1:]
        for pattern, route in self._by_segment.get(path.partition("/")[0], ()):
            matched = pattern.match(path)
            if matched:
                return Route(route.view, route.accesses, matched[2], route.template)
        return None
