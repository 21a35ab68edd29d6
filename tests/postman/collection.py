"""Writes `postman_collection.json`: `python -m tests.postman.collection`."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.postman.journey import JOURNEY
from tests.postman.request import OPERATOR, Folder, Json, Request, Script

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
ABOUT = """\
Every operation of the API in the order in which people use it. Send the whole collection with \
the runner: each request keeps what later ones need (tokens, uuids) in variables and says by its \
tests whether the answer is right. At its end it has taken away what it made, so it can be sent \
again.

Before the first run set in *Variables* (or in an environment): `base_url`, and the passwords of \
three accounts, one of each built-in role: `password` (operator), `viewer_password` and \
`admin_password`. `make run` prints those of its demo accounts. In the settings of Postman choose \
a working directory with the files of the uploads; `make postman` makes them in \
`build/postman/files/`, and runs the whole collection with newman.

Requests are sent as the operator; others name the token they use under *Authorization*.
"""
EVERY_ANSWER = (
    "// What holds for every answer of the API, but not for those of the CDN origin.",
    'const ours = pm.request.url.toString().startsWith(pm.variables.get("base_url"));',
    "const code = pm.expect(pm.response.code);",
    "if (ours) {",
    '    pm.test("names its request", () => pm.response.to.have.header("X-Request-ID"));',
    '    pm.test("is no error of the server", () => code.to.be.below(500));',
    "}",
)
GIVEN = {
    "base_url": "http://127.0.0.1:8000",
    "email": "operator@demo.example",
    "password": "",
    "viewer_email": "viewer@demo.example",
    "viewer_password": "",
    "admin_email": "admin@demo.example",
    "admin_password": "",
}


class Collection:
    """The folders as one document that Postman imports."""

    PATH = Path(__file__).parents[2] / "postman_collection.json"

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._folders = folders

    @property
    def requests(self) -> list[Request]:
        return [request for folder in self._folders for request in folder.requests]

    @property
    def text(self) -> str:
        return json.dumps(self._document(), indent="\t", ensure_ascii=False) + "\n"

    def write(self) -> None:
        self.PATH.write_text(self.text)

    def _document(self) -> Json:
        return {
            "info": {"name": "MediaProject", "description": ABOUT, "schema": SCHEMA},
            "item": [folder.item() for folder in self._folders],
            "auth": OPERATOR.item(),
            "event": [Script("test", EVERY_ANSWER).item()],
            "variable": [
                {"key": key, "value": value, "type": "string"}
                for key, value in GIVEN.items()
            ],
        }


if __name__ == "__main__":
    Collection(JOURNEY).write()
