"""Makes a lone mongod a replica set of one member, and waits until it takes writes.

Harmless when done before. `MONGO_URL` names the server and, as `replicaSet`, the set.
"""

import os
import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri


class ReplicaSet:
    ALREADY_INITIALIZED = 23
    LOOK_SECONDS = 0.2
    MOST_SECONDS = 60.0

    def __init__(self, url: str) -> None:
        parts = parse_uri(url)
        (host, port), *others = parts["nodelist"]
        if others:
            raise SystemExit("MONGO_URL names several servers: initiate them by hand.")
        self._member = f"{host}:{port}"
        self._name = parts["options"]["replicaSet"]

    def initiate(self) -> None:
        """Raises `SystemExit` with the last error if it takes too long."""
        deadline = time.monotonic() + self.MOST_SECONDS
        with self._client() as client:
            while (trouble := self._trouble(client)) is not None:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{self._member} takes no writes: {trouble}")
                time.sleep(self.LOOK_SECONDS)

    def _trouble(self, client: "MongoClient[dict[str, Any]]") -> str | None:
        try:
            hello = client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return None
            if not hello.get("setName"):
                self._make(client)
        except PyMongoError as error:
            return str(error)
        return "there is no primary yet"

    def _make(self, client: "MongoClient[dict[str, Any]]") -> None:
        members = [{"_id": 0, "host": self._member}]
        try:
            client.admin.command(
                "replSetInitiate", {"_id": self._name, "members": members}
            )
        except OperationFailure as error:
            if error.code != self.ALREADY_INITIALIZED:
                raise

    def _client(self) -> "MongoClient[dict[str, Any]]":
        return MongoClient(
            self._member, directConnection=True, serverSelectionTimeoutMS=2000
        )


if __name__ == "__main__":
    ReplicaSet(os.environ["MONGO_URL"]).initiate()
    sys.stdout.write("MongoDB takes writes.\n")
