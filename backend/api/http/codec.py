"""JSON in and out."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.types import DictStrAny
from pydantic_core import to_json

from backend.api.http.refusals import MalformedJson
from backend.domain.errors import Invalid, UnsupportedType


class JsonParser(Parser):
    """Accepts only strict JSON in UTF-8 with its own content type.

    Ninja calls it only for bodies that are not empty.
    """

    # No schema has a quarter of it. Each that is unknown would become an error of its
    # own before most of them are left out, all on the event loop.
    _MOST_FIELDS = 64

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        """Raises `UnsupportedType`, `MalformedJson`, `Invalid`."""
        self._check_type(request)
        try:
            document: DictStrAny = json.loads(
                request.body.decode(), parse_constant=self._refuse_constant
            )
        except (ValueError, RecursionError) as error:
            raise MalformedJson from error
        if isinstance(document, dict) and len(document) > self._MOST_FIELDS:
            raise Invalid(f"A body has {self._MOST_FIELDS} fields at the most.")
        return document

    @staticmethod
    def _check_type(request: HttpRequest) -> None:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if request.content_type != "application/json" or charset.lower() != "utf-8":
            raise UnsupportedType("Send application/json in UTF-8.")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedType("Send the body without Content-Encoding.")

    @staticmethod
    def _refuse_constant(name: str) -> NoReturn:
        raise Invalid(f"{name} is not a number in JSON.")


class JsonRenderer(BaseRenderer):
    """Writes answers with Pydantic's serializer: RFC 3339 times, no NaN."""

    media_type = "application/json"
    CONTENT_TYPE = f"{media_type}; charset=utf-8"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return self.rendered(data)

    @staticmethod
    def rendered(data: Any) -> bytes:
        return to_json(data, inf_nan_mode="null")
