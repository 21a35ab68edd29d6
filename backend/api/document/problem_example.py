"""Examples of refusals, for the document."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from backend.api.http.errors import Problems
from backend.api.http.routes import Access
from backend.domain.errors import (
    DuplicateMedia,
    Invalid,
    MediaProjectError,
    NotFound,
    RightMissing,
    TooManyRequests,
    WeakPassword,
)

EXAMPLE_UUID = UUID("0b8a4a64-3c4c-4c0e-9d4e-4b5d1f0c1a2b")
EXAMPLE_NAME = "editor"


class ProblemExample:
    """Makes the refusals of one operation by the code that answers them."""

    # Refusals whose real form needs arguments.
    _MADE: Mapping[type[MediaProjectError], Callable[[], MediaProjectError]] = {
        DuplicateMedia: lambda: DuplicateMedia(EXAMPLE_UUID),
        Invalid: lambda: Invalid(problems={"colour": "Unknown parameter"}),
        WeakPassword: lambda: WeakPassword(
            problems={"password": "This password is too common."}
        ),
    }
    _PARAMETER = re.compile(r"{(?:(\w+):)?\w+}")

    def __init__(self, path: str, access: Access) -> None:
        self._path = path
        self._access = access

    def of(self, refusal: type[MediaProjectError]) -> dict[str, Any]:
        body = Problems.body(self._made(refusal), self._instance(refusal))
        return {"summary": refusal.title, "value": json.loads(body)}

    def _made(self, refusal: type[MediaProjectError]) -> MediaProjectError:
        if refusal is RightMissing:
            return self._access.missing()
        if issubclass(refusal, TooManyRequests):
            return refusal(retry_after_seconds=30)
        return self._MADE.get(refusal, refusal)()

    def _instance(self, refusal: type[MediaProjectError]) -> str:
        """The path of a request; for `not_found` it names something impossible."""
        if refusal is NotFound:
            return self._PARAMETER.sub("not-a-uuid", self._path)
        return self._PARAMETER.sub(self._sample, self._path)

    @staticmethod
    def _sample(parameter: re.Match[str]) -> str:
        return str(EXAMPLE_UUID) if parameter[1] == "any_uuid" else EXAMPLE_NAME
