from collections.abc import Mapping, Sequence
from typing import Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from backend.embedded.folders import DataFolder
from backend.embedded.ports import Ports
from backend.embedded.process import Server
from backend.embedded.programs import Programs


class MongoServer(Server):
    """mongod as a replica set of one member, so that majority writes mean what they say."""

    name = "mongo"
    DATABASE = "mediaproject"
    REPLICA_SET = "mediaproject"
    NOT_YET_INITIALIZED = 94
    PROGRAM = "fiftyone/db/bin/mongod"  # inside site-packages

    def __init__(self, data: DataFolder, programs: Programs, ports: Ports) -> None:
        program = programs.find("mongod", self.PROGRAM, "MONGO_URL")
        super().__init__(program, data.server(self.name))
        self._port = ports.port("mongo")
        self._variable = ports.variable("mongo")

    @property
    def url(self) -> str:
        return (
            f"mongodb://{self._address}/{self.DATABASE}?replicaSet={self.REPLICA_SET}"
        )

    @property
    def ports(self) -> Mapping[int, str | None]:
        return {self._port: self._variable}

    def command(self) -> Sequence[str]:
        place = [
            "--dbpath",
            str(self._folder),
            "--bind_ip",
            "127.0.0.1",
            "--port",
            str(self._port),
        ]
        modest = ["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128", "--quiet"]
        quick = ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=2000"]
        quiet = ["--setParameter", "diagnosticDataCollectionEnabled=false"]
        return [
            str(self._program),
            *place,
            "--replSet",
            self.REPLICA_SET,
            "--nounixsocket",
            *modest,
            *quick,
            *quiet,
        ]

    def is_healthy(self) -> bool:
        try:
            with self._client() as client:
                return self._is_primary(client.admin)
        except PyMongoError:
            return False

    @property
    def _address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def _client(self) -> "pymongo.MongoClient[dict[str, Any]]":
        return pymongo.MongoClient(
            self._address,
            directConnection=True,
            serverSelectionTimeoutMS=500,
            socketTimeoutMS=5000,
        )

    def _is_primary(self, admin: "pymongo.database.Database[dict[str, Any]]") -> bool:
        if admin.command("hello").get("isWritablePrimary"):
            return True
        try:
            members = admin.command("replSetGetConfig")["config"]
        except OperationFailure as error:
            if error.code == self.NOT_YET_INITIALIZED:
                admin.command("replSetInitiate", self._configuration(1))
            return False
        if members["members"][0]["host"] != self._address:
            changed = self._configuration(members["version"] + 1)
            changed["settings"] = {"replicaSetId": members["settings"]["replicaSetId"]}
            admin.command("replSetReconfig", changed, force=True)
        return False

    def _configuration(self, version: int) -> dict[str, Any]:
        member = {"_id": 0, "host": self._address}
        return {"_id": self.REPLICA_SET, "version": version, "members": [member]}
