"""The servers that take large videos, each as it would really run."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg

from bench.ours import OurSystem
from bench.peers.environment import NodeEnvironment, PeerEnvironment
from bench.sender import Multipart, Sender, Sent, TusCreation
from bench.server import Server
from bench.trial import NotEquivalent

PEERS = Path(__file__).parent / "peers"
CREATED = 201


class Contender(Protocol):
    """A server that takes videos and answers `/ping/`."""

    name: str
    pid: int
    sender: Sender

    def taken(self, sent: Sent) -> str:
        """The sha256 of the file that it has; then makes room for the next.

        Raises `RuntimeError` if it has not taken the video, and `NotEquivalent` if it
        claims another hash than that of its file.
        """


class UploadPeer(Protocol):
    """How a peer is started."""

    name: str

    def running(
        self, folder: Path, fsync: bool
    ) -> AbstractContextManager[Contender]: ...


class Answer:
    """What a contender said, if it took the video."""

    @staticmethod
    def created(name: str, sent: Sent) -> Sent:
        """Raises `RuntimeError`."""
        if sent.status != CREATED:
            raise RuntimeError(f"{name} answered {sent.status} {sent.body[:500]!r}")
        return sent


class Kept:
    """The file that a contender has made of a video."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def taken(self, claimed: str | None = None) -> str:
        """Its sha256; then it is gone. Raises `NotEquivalent` if another was claimed."""
        with self._path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._path.unlink()
        if claimed not in (None, sha256):
            raise NotEquivalent(f"{claimed} was claimed of a file with {sha256}")
        return sha256


class OurUploads:
    """MediaProject with its stores. It has no worker, as no peer has one: what that
    would do after the answer would only disturb the next upload.
    """

    name = OurSystem.name
    _STAGED = """
        SELECT staged_name::text FROM blob JOIN media ON media.video_id = blob.uuid
         WHERE media.uuid = %s
    """

    def __init__(self, system: OurSystem) -> None:
        self._database = system.database
        self._staging = Path(system.environment["STAGING_DIR"])
        self.url = system.url
        self.pid = system.pid("api")
        self.sender = Sender(f"{system.url}/media/", system.headers, Multipart())

    @classmethod
    @contextmanager
    def running(cls, folder: Path, fsync: bool) -> Iterator["OurUploads"]:
        with OurSystem.running(folder, fsync=fsync, worker=[]) as system:
            yield cls(system)

    def taken(self, sent: Sent) -> str:
        """A duplicate would be no measurement, and is answered otherwise than created."""
        answer = json.loads(Answer.created(self.name, sent).body)
        staged = self._staging / self._staged_name(answer["uuid"])
        return Kept(staged).taken(answer["sha256"])

    def _staged_name(self, media: str) -> str:
        """Raises `RuntimeError` if its row names no file."""
        with psycopg.connect(self._database) as connection:
            row = connection.execute(self._STAGED, [media]).fetchone()
        if not row or not row[0]:
            raise RuntimeError(f"no row names the file of media {media}")
        return str(row[0])


class FastApiUploads:
    """FastAPI under the same server with the same options, one worker as well."""

    name = "FastAPI UploadFile"

    def __init__(self, environment: PeerEnvironment) -> None:
        self._environment = environment
        self._python = str(environment.python)

    @contextmanager
    def running(self, folder: Path, fsync: bool) -> Iterator["FastApiContender"]:
        """Its temporary files and its copies are on one disk, which is ours too."""
        self._environment.prepare()
        variables = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(folder),
            "UPLOADS": str(folder),
            "FSYNC": "on" if fsync else "off",
        }
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with Server.running(self._command, variables, PEERS) as server:
                yield FastApiContender(server)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _command(self, port: int) -> list[str]:
        return [
            *(self._python, "-m", "uvicorn", "fastapi_uploads:app"),
            *("--host", "127.0.0.1", "--port", str(port), "--lifespan", "on"),
            *("--no-access-log", "--no-server-header", "--log-level", "warning"),
            *("--loop", "uvloop", "--http", "httptools"),
        ]


class FastApiContender:
    name = FastApiUploads.name

    def __init__(self, server: Server) -> None:
        self.pid = server.pid
        self.sender = Sender(f"{server.url}/media/", {}, Multipart())

    def taken(self, sent: Sent) -> str:
        answer = json.loads(Answer.created(self.name, sent).body)
        return Kept(Path(answer["path"])).taken(answer["sha256"])


class TusUploads:
    """tus' own server in Node, with its store of files; it does not hash, nor fsync."""

    name = "@tus/server with its file store"

    def __init__(self, environment: NodeEnvironment) -> None:
        self._environment = environment

    @contextmanager
    def running(self, folder: Path, fsync: bool) -> Iterator["TusContender"]:
        """Raises `RuntimeError` when an fsync is asked for."""
        if fsync:
            raise RuntimeError(f"{self.name} has no fsync")
        self._environment.prepare()
        variables = {"PATH": os.environ["PATH"], "UPLOADS": str(folder)}
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with Server.running(
                self._command, variables, self._environment.folder
            ) as server:
                yield TusContender(server, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _command(self, port: int) -> list[str]:
        return [str(self._environment.node), "server.js", str(port)]


class TusContender:
    name = TusUploads.name

    def __init__(self, server: Server, folder: Path) -> None:
        self.pid = server.pid
        self._folder = folder
        self.sender = Sender(f"{server.url}/files", {}, TusCreation())

    def taken(self, sent: Sent) -> str:
        """It claims no hash."""
        location = Answer.created(self.name, sent).headers["location"]
        return Kept(self._folder / location.rpartition("/")[2]).taken()
