"""The same bytes twice, over HTTP: one object, and an answer before the bytes come."""

import hashlib
import json
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client, Origin
from tests.e2e.videos import MEBIBYTE, Videos
from tests.raw_http import RawHttp

GIBIBYTE = 1024 * MEBIBYTE


class TestTwoAtOnce:
    def test_two_users_get_two_media_one_blob_and_one_object(
        self,
        stack: EmbeddedStack,
        operator: Client,
        admin: Client,
        origin: Origin,
        videos: Videos,
    ) -> None:
        video = videos.new(8 * MEBIBYTE)
        barrier = Barrier(2)

        def upload(client: Client) -> httpx.Response:
            barrier.wait()
            return client.upload(video)

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(upload, [operator, admin]))

        assert [answer.status_code for answer in answers] == [201, 201]
        told = sorted(answer.json()["deduplicated"] for answer in answers)
        assert told == [False, True]
        media = [operator.until_done(answer.json()["uuid"]) for answer in answers]
        assert [one["status"] for one in media] == ["ready", "ready"]
        assert media[0]["uuid"] != media[1]["uuid"]
        assert media[0]["urls"]["video"] == media[1]["urls"]["video"]
        assert origin.copies(video) == 1


class DeclaredUpload:
    """Says in its form that it will send bytes which the operator has already."""

    BOUNDARY = "a-boundary"

    def __init__(self, stack: EmbeddedStack, token: str, sha256: str) -> None:
        self.stack = stack
        self.token = token
        self.sha256 = sha256

    @contextmanager
    def begun(self, size_bytes: int) -> Iterator[tuple[socket.socket, int]]:
        """Head and fields are sent; gives what is left to be sent."""
        form = (
            f"--{self.BOUNDARY}\r\nContent-Disposition: form-data; "
            f'name="sha256"\r\n\r\n{self.sha256}\r\n--{self.BOUNDARY}\r\n'
            'Content-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
        )
        head = (
            "POST /media/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {self.token}\r\nContent-Length: {size_bytes}\r\n"
            f"Content-Type: multipart/form-data; boundary={self.BOUNDARY}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.stack.api_port), 10) as sent:
            sent.sendall((head + form).encode())
            yield sent, size_bytes - len(form)

    def curl(self, video: Path) -> httpx.Response:
        command = [
            *("curl", "-sS", "-H", f"Authorization: {self.token}"),
            *("-F", f"sha256={self.sha256}", "-F", f"video=@{video}"),
            *("-w", "\n%{http_code}", f"{self.stack.address}/media/"),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60
        )
        body, status = done.stdout.rsplit("\n", 1)
        return httpx.Response(int(status), text=body)

    def httpx(self, video: Path) -> httpx.Response:
        with Client(self.stack) as client:
            client.http.headers["Authorization"] = self.token
            return client.upload(video, sha256=self.sha256)


class TestDeclaredSha256:
    @pytest.fixture
    def media(self, operator: Client, videos: Videos) -> dict[str, str]:
        video = videos.new()
        uuid = operator.upload(video).json()["uuid"]
        return {"uuid": uuid, "sha256": hashlib.sha256(video.read_bytes()).hexdigest()}

    @pytest.fixture
    def declared(
        self, stack: EmbeddedStack, operator: Client, media: dict[str, str]
    ) -> DeclaredUpload:
        token = operator.http.headers["Authorization"]
        return DeclaredUpload(stack, token, media["sha256"])

    def test_it_is_answered_before_a_byte_of_the_video_is_sent(
        self, declared: DeclaredUpload, media: dict[str, str]
    ) -> None:
        with declared.begun(GIBIBYTE) as (connection, _):
            answer = RawHttp.read(connection)
        assert answer.status == 200
        assert answer.json()["uuid"] == media["uuid"]
        assert answer.json()["deduplicated"] is True

    def test_who_sends_all_the_same_can_go_on(self, declared: DeclaredUpload) -> None:
        """More than is read of a body that was refused."""
        with declared.begun(48 * MEBIBYTE) as (connection, left_bytes):
            connection.sendall(bytes(left_bytes))
            assert RawHttp.read(connection).status == 200
            connection.sendall(b"GET /ping/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert RawHttp.read(connection).status == 200

    @pytest.mark.parametrize("client", ["curl", "httpx"])
    def test_clients_see_the_answer_and_no_closed_connection(
        self,
        declared: DeclaredUpload,
        media: dict[str, str],
        tmp_path: Path,
        client: str,
    ) -> None:
        sparse = tmp_path / "sparse.mp4"
        with sparse.open("wb") as file:
            file.truncate(256 * MEBIBYTE)
        answer = getattr(declared, client)(sparse)
        assert answer.status_code == 200
        assert json.loads(answer.text)["uuid"] == media["uuid"]
