"""The OpenAPI document: valid, and complete for whoever has nothing else to read.

Each test walks every operation, so that a new one cannot be forgotten.
"""

import json
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from backend.api.document.finish import Operation
from backend.api.http.catalogue import ErrorCatalogue
from backend.config.api_container import ApiContainer
from backend.config.environment import Environment

Document = dict[str, Any]
# An answer in full, that nothing can be done: load balancers read its status only.
UNAVAILABLE = ("/health/ready/", "503")
# Answers of the server, not of an operation; what nobody is there to read; a word
# between two parts of the upload that never reaches a client.
OF_NO_OPERATION = {
    "client_disconnected",
    "internal_error",
    "method_not_allowed",
    # Only workers ask the object store today.
    "object_store_away",
    "staged_file_not_sealed",
}


class Bodies:
    """What is said of the bodies of an operation."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def valid(self, content: Document, value: Any) -> bool:
        """Whether a body is what its schema says."""
        schema = {**content["schema"], "components": self._document["components"]}
        return jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True
        ).is_valid(value)

    @staticmethod
    def examples(content: Document) -> list[Any]:
        several = content.get("examples", {}).values()
        return [
            *(one["value"] for one in several),
            *filter(None, [content.get("example")]),
        ]


@pytest.fixture(scope="module")
def document() -> Document:
    content: Document = json.loads(
        ApiContainer(Environment.load()).api.document.rendered
    )
    return content


@pytest.fixture(scope="module")
def operations(document: Document) -> list[Operation]:
    return list(Operation.all_of(document))


@pytest.fixture(scope="module")
def bodies(document: Document) -> Bodies:
    return Bodies(document)


class TestWholeDocument:
    def test_it_is_openapi_3_1(self, document: Document) -> None:
        errors = jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(document)
        assert [f"{e.instance_path}: {e.message}" for e in errors] == []

    def test_its_schemas_are_schemas(self, document: Document) -> None:
        for schema in document["components"]["schemas"].values():
            assert jsonschema_rs.meta.is_valid(schema), schema

    def test_tags_are_described_in_order(
        self, document: Document, operations: list[Operation]
    ) -> None:
        described = [tag["name"] for tag in document["tags"]]
        assert set(described) == {tag for o in operations for tag in o.content["tags"]}
        assert described[:2] == ["auth", "media"]

    def test_the_codes_are_those_of_the_catalogue(self, document: Document) -> None:
        problem = document["components"]["schemas"]["ProblemOut"]
        assert problem["properties"]["code"]["enum"] == ErrorCatalogue().codes


class TestOperations:
    def test_each_is_explained(self, operations: list[Operation]) -> None:
        for operation in operations:
            assert operation.content["summary"], operation.name
            assert operation.content.get("description"), operation.name

    def test_each_parameter_is_explained(self, operations: list[Operation]) -> None:
        for operation in operations:
            for parameter in operation.content.get("parameters", ()):
                named = f"{operation.name}: {parameter['name']}"
                assert parameter.get("description"), named
                assert {"type": "null"} not in parameter["schema"].get(
                    "anyOf", ()
                ), named

    def test_each_body_has_a_true_example(
        self, operations: list[Operation], bodies: Bodies
    ) -> None:
        for operation in operations:
            said = [
                operation.content.get("requestBody", {}),
                *operation.answers.values(),
            ]
            for content in [
                body["content"]["application/json"]
                for body in said
                if "application/json" in body.get("content", {})
            ]:
                examples = bodies.examples(content)
                assert examples, f"{operation.name}: add one to document/examples.py"
                assert all(
                    bodies.valid(content, one) for one in examples
                ), operation.name

    def test_each_refusal_has_a_true_example(
        self, operations: list[Operation], bodies: Bodies
    ) -> None:
        for operation in operations:
            for status, response in self._refusals(operation):
                content = response["content"]["application/problem+json"]
                examples = bodies.examples(content)
                assert examples, (operation.name, status)
                for example in examples:
                    assert bodies.valid(content, example), (operation.name, example)
                    assert example["status"] == int(status)
                    assert "{" not in example["instance"]

    @staticmethod
    def _refusals(operation: Operation) -> list[tuple[str, Document]]:
        return [
            (status, response)
            for status, response in operation.content["responses"].items()
            if status >= "4" and (operation.path, status) != UNAVAILABLE
        ]

    def test_invalid_fields_are_shown(self, operations: list[Operation]) -> None:
        for operation in operations:
            content = operation.content["responses"]["422"]["content"]
            shown = content["application/problem+json"]["examples"]
            assert shown["invalid"]["value"]["errors"], operation.name

    def test_every_code_belongs_to_an_operation(
        self, operations: list[Operation], bodies: Bodies
    ) -> None:
        answered = {
            example["code"]
            for operation in operations
            for _, response in self._refusals(operation)
            for example in bodies.examples(
                response["content"]["application/problem+json"]
            )
        }
        unused = set(ErrorCatalogue().codes) - answered - OF_NO_OPERATION
        assert unused == set()

    def test_headers_are_named(self, operations: list[Operation]) -> None:
        wanted = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}
        for operation in operations:
            for status, response in operation.content["responses"].items():
                headers = response["headers"]
                assert "X-Request-ID" in headers
                assert wanted.get(status, "X-Request-ID") in headers

    @pytest.mark.parametrize(
        ("digest", "fits"), [("aB" * 32, True), ("", False), ("0" * 63, False)]
    )
    def test_a_digest_in_a_query_is_never_empty(
        self, operations: list[Operation], bodies: Bodies, digest: str, fits: bool
    ) -> None:
        """Unlike in the form of an upload, where an empty field is one left out."""
        by_name = {operation.name: operation.content for operation in operations}
        parameters = by_name["media_page"]["parameters"]
        (parameter,) = (p for p in parameters if p["name"] == "sha256")
        assert bodies.valid(parameter, digest) is fits

    def test_an_upload_leads_to_its_media(self, operations: list[Operation]) -> None:
        by_name = {operation.name: operation for operation in operations}
        links = by_name["media_upload"].answers["201"]["links"]
        below = {o.name for o in operations if o.path.startswith("/media/{media_id}/")}
        assert set(links) == below
        assert links["media_detail"]["parameters"] == {
            "media_id": "$response.body#/uuid"
        }
