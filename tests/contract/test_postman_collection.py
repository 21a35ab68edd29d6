"""The Postman collection and the OpenAPI document tell of the same operations."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from backend.config.api_container import ApiContainer
from backend.config.environment import Environment
from tests.postman.collection import GIVEN, Collection
from tests.postman.journey import JOURNEY

Operation = tuple[str, str]


class SentRequests:
    """What the collection sends to the API, as `METHOD` and path."""

    BASE = "{{base_url}}"

    def __init__(self, collection: dict[str, Any]) -> None:
        self.items = list(self._walk(collection["item"]))

    def __iter__(self) -> Iterator[Operation]:
        for item in self.items:
            url = item["request"]["url"]
            raw = url if isinstance(url, str) else url["raw"]
            if raw.startswith(self.BASE):
                path = raw.removeprefix(self.BASE).partition("?")[0]
                yield item["request"]["method"], path

    def _walk(self, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for item in items:
            if "item" in item:
                yield from self._walk(item["item"])
            else:
                yield item


class Documented:
    """The operations of the OpenAPI document."""

    # The document does not list itself, nor the page that shows it.
    UNLISTED: frozenset[Operation] = frozenset(
        {("GET", "/docs"), ("GET", "/openapi.json")}
    )

    def __init__(self, document: dict[str, Any]) -> None:
        self.operations = {
            (method.upper(), path)
            for path, operations in document["paths"].items()
            for method in operations
        } | self.UNLISTED

    def of(self, request: Operation) -> Operation | None:
        """The operation that a request reaches: a fixed path before one with parameters."""
        reached = [one for one in self.operations if self._takes(one, request)]
        return min(reached, key=lambda one: one[1].count("{"), default=None)

    @staticmethod
    def _takes(operation: Operation, request: Operation) -> bool:
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(operation[1]))
        same_path = re.fullmatch(f"{pattern}/?", request[1]) is not None
        return same_path and operation[0] == request[0]


# Sent to see them refused.
NOT_THERE = {("DELETE", "/ping/"), ("GET", "/no-such-path/")}


@pytest.fixture(scope="module")
def documented() -> Documented:
    return Documented(ApiContainer(Environment.load()).api.document.content)


@pytest.fixture(scope="module")
def collection() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Collection.PATH.read_text())
    return content


@pytest.fixture(scope="module")
def sent(collection: dict[str, Any]) -> SentRequests:
    return SentRequests(collection)


class TestOperations:
    def test_each_operation_has_a_request(
        self, documented: Documented, sent: SentRequests
    ) -> None:
        reached = {documented.of(request) for request in sent}
        assert documented.operations - reached == set()

    def test_each_request_reaches_an_operation(
        self, documented: Documented, sent: SentRequests
    ) -> None:
        strays = {request for request in sent if documented.of(request) is None}
        assert strays == NOT_THERE

    def test_an_operation_without_a_request_would_be_seen(
        self, sent: SentRequests
    ) -> None:
        new = Documented({"paths": {"/media/{media_id}/comments/": {"post": {}}}})
        assert {new.of(request) for request in sent} & new.operations == new.UNLISTED


class TestFile:
    def test_it_is_as_its_source_says(self) -> None:
        """If not: `python -m tests.postman.collection` writes it."""
        assert Collection.PATH.read_text() == Collection(JOURNEY).text

    def test_it_holds_no_secret(self, collection: dict[str, Any]) -> None:
        values = {one["key"]: one["value"] for one in collection["variable"]}
        assert values == GIVEN
        secret = [name for name in values if "password" in name or "access" in name]
        assert {values[name] for name in secret} == {""}

    def test_each_request_has_assertions_and_says_what_it_is_for(
        self, sent: SentRequests
    ) -> None:
        for item in sent.items:
            scripts = {event["listen"]: event["script"] for event in item["event"]}
            tests = "\n".join(scripts["test"]["exec"])
            assert "pm.expect(pm.response.code)" in tests, item["name"]
            assert item["request"]["description"], item["name"]
