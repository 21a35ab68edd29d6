"""Whether answers are what the OpenAPI document says of their operation."""

import re
from collections.abc import Mapping
from typing import Any

import httpx

from backend.api.http.errors import PROBLEM_TYPE

# What the server answers where no operation does.
OF_NO_OPERATION = {
    (400, "malformed_request"),
    (404, "not_found"),
    (405, "method_not_allowed"),
}


class DocumentedProblems:
    """Fails where a refusal has a code that its operation does not name for its status.

    Its methods are response hooks of httpx clients.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._operations = [
            (self._pattern(path), method.upper(), operation["responses"])
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]

    async def check_later(self, answer: httpx.Response) -> None:
        if answer.status_code >= 400:
            await answer.aread()
            self.check(answer)

    def check(self, answer: httpx.Response) -> None:
        if answer.status_code < 400 or answer.request.method == "HEAD":
            return
        answer.read()
        assert answer.headers["Content-Type"] == PROBLEM_TYPE, answer.text
        found = (answer.status_code, answer.json()["code"])
        request = answer.request
        assert found in self._allowed(request.method, request.url.path), (
            f"{request.method} {request.url.path} answers {found}, "
            "which its operation does not document"
        )

    def _allowed(self, method: str, path: str) -> set[tuple[int, str]]:
        for pattern, known, responses in self._operations:
            if known == method and pattern.fullmatch(path):
                return set(self._documented(responses))
        return OF_NO_OPERATION

    @staticmethod
    def _documented(responses: Mapping[str, Any]) -> list[tuple[int, str]]:
        return [
            (int(status), code)
            for status, response in responses.items()
            if status >= "4"
            for code in response["content"].get(PROBLEM_TYPE, {"examples": ()})[
                "examples"
            ]
        ]

    @staticmethod
    def _pattern(path: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"{\w+}", "[^/]+", path))
