"""Requests and folders in the format of Postman's collections, v2.1."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.postman.answer import Answer, Until

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class JsonBody:
    """Variables are filled in before it is sent."""

    content: Mapping[str, Any]

    def item(self) -> Json:
        raw = json.dumps(self.content, indent=2, ensure_ascii=False)
        return {
            "mode": "raw",
            "raw": raw,
            "options": {"raw": {"language": "json"}},
        }


@dataclass(frozen=True, slots=True)
class TextBody:
    text: str

    def item(self) -> Json:
        return {
            "mode": "raw",
            "raw": self.text,
            "options": {"raw": {"language": "text"}},
        }


@dataclass(frozen=True, slots=True)
class Form:
    """Fields first, then files: what is declared is read before the bytes."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def item(self) -> Json:
        fields = [
            {"key": key, "value": value, "type": "text"}
            for key, value in self.fields.items()
        ]
        files = [
            {"key": key, "src": name, "type": "file"}
            for key, name in self.files.items()
        ]
        return {"mode": "formdata", "formdata": [*fields, *files]}


class Nobody:
    """Sends no token."""

    def item(self) -> Json:
        return {"type": "noauth"}


@dataclass(frozen=True, slots=True)
class Bearer:
    """Sends the access token that a variable holds."""

    variable: str

    def item(self) -> Json:
        value = f"{{{{{self.variable}}}}}"
        return {
            "type": "bearer",
            "bearer": [{"key": "token", "value": value, "type": "string"}],
        }


NOBODY = Nobody()
OPERATOR, ADMIN, VIEWER = (
    Bearer("access"),
    Bearer("admin_access"),
    Bearer("viewer_access"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request with what it is for, who sends it and what must come back.

    `path` follows `{{base_url}}`, unless it is a whole address itself. The operator is
    signed in for the whole collection, so a request names only other callers.
    """

    name: str
    method: str
    path: str
    about: str
    answer: Answer
    caller: Nobody | Bearer = OPERATOR
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JsonBody | TextBody | Form | None = None
    before: Sequence[str] = ()
    until: Until | None = None
    follows_redirects: bool = True

    def item(self) -> Json:
        item: Json = {"name": self.name, "event": self._events()}
        if not self.follows_redirects:
            item["protocolProfileBehavior"] = {"followRedirects": False}
        return {**item, "request": self._request()}

    def _request(self) -> Json:
        request: Json = {"method": self.method, "description": self.about}
        if self.caller != OPERATOR:
            request["auth"] = self.caller.item()
        request["header"] = [
            {"key": key, "value": value} for key, value in self.headers.items()
        ]
        if self.body is not None:
            request["body"] = self.body.item()
        return {**request, "url": self._url()}

    def _url(self) -> Json | str:
        if not self.path.startswith("/"):
            return self.path
        pairs = [f"{key}={self._encoded(value)}" for key, value in self.query.items()]
        search = f"?{'&'.join(pairs)}" if pairs else ""
        url: Json = {
            "raw": f"{{{{base_url}}}}{self.path}{search}",
            "host": ["{{base_url}}"],
            "path": self.path.removeprefix("/").split("/"),
        }
        if pairs:
            url["query"] = [
                {"key": key, "value": self._encoded(value)}
                for key, value in self.query.items()
            ]
        return url

    @staticmethod
    def _encoded(value: str) -> str:
        """Variables stay readable: their values need no encoding."""
        return quote(value, safe="{}:-_")

    def _events(self) -> list[Json]:
        before = [*self.before, *(self.until.PAUSE if self.until else ())]
        answer = self.until.extend(self.answer) if self.until else self.answer
        scripts = {"prerequest": before, "test": answer.script}
        return [Script(on, lines).item() for on, lines in scripts.items() if lines]


@dataclass(frozen=True, slots=True)
class Script:
    """JavaScript before a request or after its answer."""

    on: str
    lines: Sequence[str]

    def item(self) -> Json:
        script = {"type": "text/javascript", "exec": list(self.lines)}
        return {"listen": self.on, "script": script}


@dataclass(frozen=True, slots=True)
class Folder:
    """Requests of one chapter, in their order."""

    name: str
    about: str
    requests: Sequence[Request]

    def item(self) -> Json:
        return {
            "name": self.name,
            "description": self.about,
            "item": [request.item() for request in self.requests],
        }
