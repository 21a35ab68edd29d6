"""Processes are killed in the middle of their work: it goes on where it stopped."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client, Origin
from tests.e2e.faults import SERVERS, Faults, until
from tests.e2e.traffic import Aftermath
from tests.e2e.videos import MEBIBYTE, Videos

BACK_SECONDS = 15.0
# More than one request to the object store, and long enough to be caught at it.
BIG = 256 * MEBIBYTE


@pytest.fixture
def shaken_origin(shaken_stack: EmbeddedStack) -> Origin:
    return Origin(shaken_stack.servers.environment())


class HalfUpload:
    """An upload that never gets beyond half of its body."""

    BOUNDARY = "5d1f0c7b"

    def __init__(self, client: Client, video: Path, title: str) -> None:
        parts = (
            f'--{self.BOUNDARY}\r\nContent-Disposition: form-data; name="title"\r\n\r\n'
            f"{title}\r\n"
            f"--{self.BOUNDARY}\r\nContent-Disposition: form-data; "
            f'name="video"; filename="{video.name}"\r\n\r\n'
        )
        body = parts.encode() + video.read_bytes()
        head = (
            "POST /media/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: {client.http.headers['Authorization']}\r\n"
            f"Content-Type: multipart/form-data; boundary={self.BOUNDARY}\r\n"
            f"Content-Length: {len(body) + len(self.BOUNDARY) + 8}\r\n\r\n"
        )
        self._sent = head.encode() + body[: len(body) // 2]
        self._port = urlsplit(client.stack.address).port

    @contextmanager
    def sent(self) -> Iterator[None]:
        """The first half is on its way in the block; after it the client is gone."""
        with socket.create_connection(("127.0.0.1", self._port or 0)) as connection:
            connection.sendall(self._sent)
            yield


class UnderWay:
    """A large video whose parts are being sent to the object store."""

    def __init__(self, operator: Client, origin: Origin, video: Path) -> None:
        self._operator = operator
        self._origin = origin
        self._video = video
        answer = operator.upload(video)
        assert answer.status_code == 201, answer.text
        self._uuid: str = answer.json()["uuid"]
        until(lambda: bool(origin.unfinished()), 30.0, "parts are being sent")

    def is_running(self) -> bool:
        return bool(self._job()["status"] == "running")

    def until_ready(self, seconds: float) -> list[str]:
        """The outcomes of its attempts, once there is one whole object of it."""
        media = self._operator.until_done(self._uuid, seconds)
        assert media["status"] == "ready"
        assert self._origin.copies(self._video) == 1
        assert self._origin.unfinished() == []
        return [attempt["outcome"] for attempt in self._job()["attempts"]]

    def _job(self) -> dict[str, Any]:
        return self._operator.jobs(self._uuid)["upload_to_cdn"]


class TestWorker:
    @pytest.fixture
    def under_way(
        self, shaken_operator: Client, shaken_origin: Origin, videos: Videos
    ) -> UnderWay:
        return UnderWay(shaken_operator, shaken_origin, videos.new(BIG))

    def test_killed_in_the_middle_of_a_job(
        self, faults: Faults, under_way: UnderWay
    ) -> None:
        with faults.frozen("s3"):
            assert under_way.is_running()
            old = faults.kill("worker")
        faults.until_back("worker", old, BACK_SECONDS)
        began = time.monotonic()

        assert under_way.until_ready(30.0) == ["lost", "succeeded"]
        print(f"ready {time.monotonic() - began:.1f} s after")  # noqa: T201

    def test_asked_to_end_in_the_middle_of_a_job(
        self, faults: Faults, under_way: UnderWay
    ) -> None:
        with faults.frozen("s3"):
            assert under_way.is_running()
            old = faults.ask_to_end("worker")
            faults.until_gone(old, 10.0)
        faults.until_back("worker", old, BACK_SECONDS)

        assert under_way.until_ready(12.0) == ["interrupted", "succeeded"]


class TestApi:
    def test_killed_during_uploads(
        self,
        shaken_stack: EmbeddedStack,
        faults: Faults,
        shaken_operator: Client,
        aftermath: Aftermath,
        videos: Videos,
    ) -> None:
        half = HalfUpload(shaken_operator, videos.new(MEBIBYTE), "A cut one")
        clips = [videos.new() for _ in range(60)]
        with half.sent(), ThreadPoolExecutor(4) as pool:
            uploads = [pool.submit(self._status, shaken_operator, c) for c in clips]
            answered = lambda: sum(u.done() for u in uploads) >= 10  # noqa: E731
            until(answered, 20.0, "ten uploads are answered")
            old = faults.kill("api")
            results = [upload.result() for upload in uploads]
        back = faults.until_back("api", old, BACK_SECONDS)

        taken = [answer.json()["uuid"] for answer in results if answer is not None]
        print(f"back {back:.1f} s, {len(taken)} taken")  # noqa: T201
        assert len(taken) >= 10
        aftermath.until_ready(taken, 60.0)
        listed = shaken_operator.http.get("/media/", params={"limit": 100}).json()
        assert "A cut one" not in [media["title"] for media in listed["items"]]

    def test_a_client_that_leaves_at_half_leaves_nothing(
        self, shaken_stack: EmbeddedStack, shaken_operator: Client, videos: Videos
    ) -> None:
        staging = shaken_stack.data.staging
        before = set(staging.iterdir())
        total = shaken_operator.http.get("/media/").json()["total"]
        half = HalfUpload(shaken_operator, videos.new(8 * MEBIBYTE), "Left at half")
        with half.sent():
            until(lambda: set(staging.iterdir()) > before, 5.0, "bytes are staged")

        until(lambda: set(staging.iterdir()) <= before, 2.0, "staging is empty again")

        assert shaken_operator.http.get("/media/").json()["total"] == total

    @staticmethod
    def _status(operator: Client, video: Path) -> httpx.Response | None:
        try:
            answer = operator.upload(video)
        except httpx.TransportError:
            return None
        assert answer.status_code == 201, answer.text
        return answer


class TestServers:
    def test_messages_that_are_flushed_are_sent_again(
        self,
        shaken_stack: EmbeddedStack,
        faults: Faults,
        shaken_operator: Client,
        aftermath: Aftermath,
        videos: Videos,
    ) -> None:
        with faults.stopped("worker"):
            uuids = [
                shaken_operator.upload(videos.new()).json()["uuid"] for _ in range(10)
            ]
            url = shaken_stack.servers.environment()["REDIS_URL"]
            with redis.Redis.from_url(url) as client:
                assert client.keys("dramatiq:*")
                client.flushall()
        took = aftermath.until_ready(uuids, 30.0)
        print(f"{took:.1f} s")  # noqa: T201

    @pytest.mark.parametrize("server", SERVERS)
    def test_killed(
        self,
        faults: Faults,
        shaken_operator: Client,
        aftermath: Aftermath,
        videos: Videos,
        server: str,
    ) -> None:
        uuids = [shaken_operator.upload(videos.new()).json()["uuid"] for _ in range(3)]
        old = faults.kill(server)
        back = faults.until_back(server, old, BACK_SECONDS)

        answer = shaken_operator.upload(videos.new())
        assert answer.status_code == 201, answer.text
        ready = aftermath.until_ready([*uuids, answer.json()["uuid"]], 60.0)
        print(f"{server}: back {back:.1f} s, ready {ready:.1f} s")  # noqa: T201
