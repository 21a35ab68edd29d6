"""What OpenAPI says about an operation beyond what Ninja finds out by itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from backend.api.document.problem_example import ProblemExample
from backend.api.http.errors import PROBLEM_TYPE, status_of
from backend.api.http.refusals import MalformedJson, MalformedMultipart, SlowBody
from backend.api.http.routes import Access
from backend.domain.errors import (
    DatabaseAway,
    Invalid,
    InvalidToken,
    Malformed,
    MediaProjectError,
    NotFound,
    RightMissing,
    TooLarge,
    Unauthenticated,
    UnsupportedType,
)

Refusal: TypeAlias = type[MediaProjectError]

BODY_METHODS = ("POST", "PUT", "PATCH")
# The bodies of these methods are always read.
UNREAD_METHODS = ("DELETE",)
PROBLEM_REF = {"$ref": "#/components/schemas/ProblemOut"}


@dataclass(frozen=True, slots=True)
class OperationDocument:
    """`refusals` are the operation's own; others follow from its kind."""

    path: str
    method: str
    access: Access
    refusals: tuple[Refusal, ...]

    def extended(self, extra: dict[str, Any]) -> dict[str, Any]:
        """`openapi_extra` with a response for each status that is a refusal."""
        responses = {**self._responses(), **extra.get("responses", {})}
        document: dict[str, Any] = {"responses": responses}
        if not self.access.public:
            document["security"] = [{"bearer": []}]
        return {**extra, **document}

    def _responses(self) -> dict[int, Any]:
        by_status: dict[int, list[Refusal]] = {}
        for refusal in dict.fromkeys(self._all()):
            by_status.setdefault(status_of(refusal), []).append(refusal)
        return {s: self._response(s, by_status[s]) for s in sorted(by_status)}

    def _all(self) -> Iterable[Refusal]:
        if not self.access.public:
            yield from (Unauthenticated, InvalidToken, DatabaseAway)
        if self.access.rights:
            yield RightMissing
        if "{" in self.path:
            yield NotFound
        # Headers and query string are read everywhere.
        yield Malformed
        if self.method in (*BODY_METHODS, *UNREAD_METHODS):
            yield from (SlowBody, TooLarge)
        if self.method in BODY_METHODS:
            yield UnsupportedType
            yield MalformedMultipart if self._takes_files else MalformedJson
        # A parameter that does not exist is refused everywhere.
        yield Invalid
        yield from self.refusals

    @property
    def _takes_files(self) -> bool:
        return MalformedMultipart in self.refusals

    def _response(self, status: int, refusals: list[Refusal]) -> dict[str, Any]:
        example = ProblemExample(self.path, self.access)
        content = {
            "schema": self._schema(status, refusals),
            "examples": {refusal.code: example.of(refusal) for refusal in refusals},
        }
        return {
            "description": ". ".join(refusal.title for refusal in refusals),
            "content": {PROBLEM_TYPE: content},
        }

    @staticmethod
    def _schema(status: int, refusals: list[Refusal]) -> dict[str, Any]:
        """A problem with one of these codes and no other."""
        codes = [refusal.code for refusal in refusals]
        members = {"status": {"const": status}, "code": {"enum": codes}}
        return {"allOf": [PROBLEM_REF, {"type": "object", "properties": members}]}
