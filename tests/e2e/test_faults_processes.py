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

# The most that a busy machine takes until what was under way is ready: the lease of a
# dead worker ends after 15 s.
RECOVERED_SECONDS = 90.0
# What is promised of a worker that was killed in the middle of a put (docs/promises.md).
PROMISED_SECONDS = 30.0
BACK_SECONDS = 60.0
# More than one request to the object store, and long enough to be caught at it.
BIG = 256 * MEBIBYTE
PART = 16 * MEBIBYTE
# The largest share of a video that may be sent again by the attempt after a cut one.
RESENT = 0.2


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


class Volumes:
    """What the object store has on its disk. It only appends, whatever becomes of it."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._folder = stack.data.server("s3")
        self._before = self._bytes()

    def received_bytes(self) -> int:
        return self._bytes() - self._before

    def _bytes(self) -> int:
        return sum(file.stat().st_size for file in self._folder.rglob("*.dat"))


class UnderWay:
    """A large video whose parts are being sent to the object store."""

    def __init__(self, operator: Client, origin: Origin, video: Path) -> None:
        self._operator = operator
        self._origin = origin
        self._video = video
        self._volumes = Volumes(operator.stack)
        answer = operator.upload(video)
        assert answer.status_code == 201, answer.text
        self._uuid: str = answer.json()["uuid"]
        until(lambda: bool(origin.unfinished()), 30.0, "parts are being sent")

    def is_running(self) -> bool:
        return bool(self._job()["status"] == "running")

    def until_progress(self) -> None:
        """Until it can be read over HTTP that a part of the video has been sent."""
        until(lambda: 0 < self._job()["progress"] < 100, 30.0, "there is progress")

    def until_well_begun(self) -> None:
        """Until the object store has a quarter of its parts: the rest takes long."""
        parts = self._video.stat().st_size // PART
        sent = lambda: self._origin.unfinished_parts() >= parts // 4  # noqa: E731
        until(sent, 60.0, "a quarter of it is there")

    def sent_twice(self) -> float:
        """Which share of the video the object store has been sent once more."""
        size = self._video.stat().st_size
        return self._volumes.received_bytes() / size - 1

    def until_ready(self, seconds: float) -> None:
        media = self._operator.until_done(self._uuid, seconds)
        assert media["status"] == "ready", media

    def check_one_object(self) -> None:
        """Neither a second one nor the beginning of one."""
        assert self._origin.copies(self._video) == 1
        assert self._origin.unfinished() == []

    def attempts(self) -> list[tuple[int, str, str | None]]:
        """Number, outcome and code of each, once its job has succeeded."""
        job = self._job()
        assert (job["status"], job["progress"]) == ("succeeded", 100)
        return [(a["number"], a["outcome"], a["code"]) for a in job["attempts"]]

    def _job(self) -> dict[str, Any]:
        return self._operator.jobs(self._uuid)["upload_to_cdn"]


class Messages:
    """What waits in Redis for workers."""

    @staticmethod
    def flush(stack: EmbeddedStack) -> int:
        """Throw everything away; answers how many keys of the broker there were."""
        url = stack.servers.environment()["REDIS_URL"]
        with redis.Redis.from_url(url) as client:
            found = len(client.keys("dramatiq:*"))
            client.flushall()
        return found


class TestWorker:
    @pytest.fixture
    def under_way(
        self, shaken_operator: Client, shaken_origin: Origin, videos: Videos
    ) -> UnderWay:
        return UnderWay(shaken_operator, shaken_origin, videos.noise(BIG))

    def test_killed_in_the_middle_of_a_job_and_all_messages_with_it(
        self, shaken_stack: EmbeddedStack, faults: Faults, under_way: UnderWay
    ) -> None:
        under_way.until_progress()
        under_way.until_well_begun()
        with faults.frozen("s3"):
            assert under_way.is_running()
            old = faults.kill("worker")
        Messages.flush(shaken_stack)
        faults.until_back("worker", old, BACK_SECONDS)
        began = time.monotonic()

        under_way.until_ready(PROMISED_SECONDS)
        took, again = time.monotonic() - began, under_way.sent_twice()
        under_way.check_one_object()
        assert under_way.attempts() == [
            (1, "lost", "lease_lost"),
            (2, "succeeded", None),
        ]
        assert again < RESENT
        print(f"ready {took:.1f} s after, {again:.1%} sent twice")  # noqa: T201

    # Its first attempt gave the job back: otherwise it would be "lost".
    @pytest.mark.faults
    def test_asked_to_end_in_the_middle_of_a_job(
        self, faults: Faults, under_way: UnderWay
    ) -> None:
        under_way.until_well_begun()
        with faults.frozen("s3"):
            assert under_way.is_running()
            old = faults.ask_to_end("worker")
            faults.until_gone(old, 10.0)
        faults.until_back("worker", old, BACK_SECONDS)

        under_way.until_ready(RECOVERED_SECONDS)
        under_way.check_one_object()
        outcomes = [outcome for _, outcome, _ in under_way.attempts()]
        assert outcomes == ["interrupted", "succeeded"]
        assert under_way.sent_twice() < RESENT


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
            until(answered, 60.0, "ten uploads are answered")
            old = faults.kill("api")
            results = [upload.result() for upload in uploads]
        back = faults.until_back("api", old, BACK_SECONDS)

        taken = [answer.json()["uuid"] for answer in results if answer is not None]
        print(f"back {back:.1f} s, {len(taken)} taken")  # noqa: T201
        assert len(taken) >= 10
        aftermath.until_ready(taken, RECOVERED_SECONDS)
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
            until(lambda: bool(set(staging.iterdir()) - before), 20.0, "staged bytes")

        until(lambda: set(staging.iterdir()) <= before, 20.0, "staging is empty again")

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
            assert Messages.flush(shaken_stack)
        took = aftermath.until_ready(uuids, RECOVERED_SECONDS)
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
        uuids.append(answer.json()["uuid"])
        ready = aftermath.until_ready(uuids, RECOVERED_SECONDS)
        print(f"{server}: back {back:.1f} s, ready {ready:.1f} s")  # noqa: T201
