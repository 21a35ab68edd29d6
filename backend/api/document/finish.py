"""Additions to the document that Ninja generates, each by a class of its own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from backend.api.document.examples import EXAMPLES
from backend.api.http.catalogue import ErrorCatalogue
from backend.api.schemas.problem import ProblemOut

Document: TypeAlias = dict[str, Any]

SCHEMA_REF = "#/components/schemas/{model}"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document, where it can be changed."""

    path: str
    method: str
    content: Document

    @classmethod
    def all_of(cls, document: Document) -> Iterator["Operation"]:
        for path, operations in document["paths"].items():
            for method, content in operations.items():
                yield cls(path, method, content)

    @property
    def name(self) -> str:
        name: str = self.content["operationId"]
        return name

    @property
    def answers(self) -> dict[str, Document]:
        """The responses that are no refusals, by status."""
        responses: dict[str, Document] = self.content["responses"]
        return {s: response for s, response in responses.items() if s < "4"}


class Step(Protocol):
    """Changes the document in its place."""

    def apply(self, document: Document) -> None: ...


class Tags(Step):
    """Groups of operations in the order in which a person does the job."""

    DESCRIPTIONS = {
        "auth": "Sign up, sign in, stay signed in, sign out. **Start here.**",
        "media": "Upload, find, read, change and delete videos.",
        "jobs": "The background work on a media, and what failed.",
        "content": "The bytes of a media, and everything technical about them.",
        "users": "Accounts, for administrators.",
        "roles": "Named sets of rights, for administrators.",
        "system": "Whether the system works, its version, and whether its stores agree.",
    }

    def apply(self, document: Document) -> None:
        used = {t for one in Operation.all_of(document) for t in one.content["tags"]}
        document["tags"] = [
            {"name": name, "description": text}
            for name, text in self.DESCRIPTIONS.items()
            if name in used
        ]


class Parameters(Step):
    """Descriptions of parameters that mean the same everywhere.

    No examples: Swagger UI would fill them in, and a user who overlooks that gets a
    404.
    """

    KNOWN: Mapping[str, Mapping[str, str]] = {
        "media_id": {
            "description": "The `uuid` of the media, as its upload answered it."
        },
        "user_id": {"description": "The `uuid` of the user."},
        "name": {"description": "The name of the role."},
    }

    def apply(self, document: Document) -> None:
        for operation in Operation.all_of(document):
            for parameter in operation.content.get("parameters", ()):
                self._complete(parameter)

    def _complete(self, parameter: Document) -> None:
        for key, value in self.KNOWN.get(parameter["name"], {}).items():
            parameter.setdefault(key, value)
        # Ninja passes on the list of a schema, but a parameter has only one example.
        if isinstance(parameter.get("examples"), list):
            parameter["example"] = parameter.pop("examples")[0]
        description = parameter["schema"].pop("description", None)
        if description:
            parameter.setdefault("description", description)
        parameter["schema"] = self._without_null(parameter["schema"])

    @staticmethod
    def _without_null(schema: Document) -> Document:
        """Query parameters are optional, and never null."""
        kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) != 1:
            return schema
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**kinds[0], **rest}


class BodyExamples(Step):
    """The example of a schema wherever it is a whole body."""

    def apply(self, document: Document) -> None:
        for operation in Operation.all_of(document):
            request = operation.content.get("requestBody")
            for body in (request, *operation.answers.values()):
                self._complete((body or {}).get("content", {}).get(JSON))

    @staticmethod
    def _complete(content: Document | None) -> None:
        name = (content or {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        if content is not None and name in EXAMPLES and "examples" not in content:
            content.setdefault("example", EXAMPLES[name])


class ProblemSchema(Step):
    """The schema of refusals, whose codes are those of the catalogue."""

    def __init__(self, catalogue: ErrorCatalogue) -> None:
        self._catalogue = catalogue

    def apply(self, document: Document) -> None:
        schemas = document["components"]["schemas"]
        problem = ProblemOut.model_json_schema(
            ref_template=SCHEMA_REF, mode="serialization"
        )
        schemas.update(problem.pop("$defs"))
        problem["properties"]["code"]["enum"] = self._catalogue.codes
        schemas["ProblemOut"] = problem


class ResponseHeaders(Step):
    """The headers of answers, by status."""

    HEADERS: Mapping[str, Document] = {
        "X-Request-ID": {
            "description": "Identifies the request in the logs; sent by the client or generated.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        },
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "schema": {"type": "string", "const": "Bearer"},
        },
        "Retry-After": {
            "description": "The number of seconds after which to send the request again.",
            "schema": {"type": "integer", "minimum": 0},
        },
    }
    BY_STATUS = {
        "401": ("WWW-Authenticate",),
        "429": ("Retry-After",),
        "503": ("Retry-After",),
    }

    def apply(self, document: Document) -> None:
        document["components"]["headers"] = {
            name: {**header, "required": True} for name, header in self.HEADERS.items()
        }
        for operation in Operation.all_of(document):
            for status, response in operation.content["responses"].items():
                headers = response.setdefault("headers", {})
                for name in ("X-Request-ID", *self.BY_STATUS.get(status, ())):
                    headers[name] = {"$ref": f"#/components/headers/{name}"}


class SecuritySchemes(Step):
    """How *Authorize* works."""

    def apply(self, document: Document) -> None:
        document["components"]["securitySchemes"] = {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "Send e-mail and password with `POST /auth/signin/`, "
                "copy the value of `access` out of the answer and paste it here, "
                "without quotes and without the word Bearer. It works for "
                "`expires_in` seconds; then sign in again, or send `refresh` with "
                "`POST /auth/refresh/`.",
            }
        }


class Links(Step):
    """Links the answer to a POST to a collection with all operations below its path."""

    _BELOW = re.compile(r"{(\w+)}")
    # The member of the body that identifies the new resource in paths.
    _NAMES = {"name": "name"}
    # Links from an account or a session depend on the body, not on the path.
    _BODIES: Mapping[str, Mapping[str, Any]] = {
        "auth_sign_up": {"auth_sign_in": "$request.body"},
        "auth_sign_in": {"auth_refresh": {"refresh": "$response.body#/refresh"}},
    }

    def apply(self, document: Document) -> None:
        operations = list(Operation.all_of(document))
        for maker in operations:
            if maker.method != "post" or "{" in maker.path:
                continue
            links = dict(self._links(maker, operations))
            for response in maker.answers.values():
                if links and "content" in response:
                    response["links"] = links

    def _links(
        self, maker: Operation, operations: list[Operation]
    ) -> Iterator[tuple[str, Document]]:
        for name, body in self._BODIES.get(maker.name, {}).items():
            yield name, {"operationId": name, "requestBody": body}
        for operation in operations:
            below = operation.path.removeprefix(maker.path)
            parameter = self._BELOW.match(below)
            if operation.path.startswith(maker.path) and parameter:
                member = self._NAMES.get(parameter[1], "uuid")
                yield operation.name, {
                    "operationId": operation.name,
                    "parameters": {parameter[1]: f"$response.body#/{member}"},
                }


STEPS: tuple[Step, ...] = (
    Tags(),
    Parameters(),
    BodyExamples(),
    ProblemSchema(ErrorCatalogue()),
    ResponseHeaders(),
    SecuritySchemes(),
    Links(),
)
