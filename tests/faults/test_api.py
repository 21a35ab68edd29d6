"""The API dies or is replaced: what it has answered stays, and nothing else does."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import Videos
from tests.faults.harness import FaultStack
from tests.faults.oracle import Taken
from tests.faults.uploads import Uploads


class TestDyingApi:
    def test_f6_between_commit_and_bell_the_media_stays(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.new()
        self._die_at(stack, "ingest.committed", uploads.client, video)

        sha256 = hashlib.sha256(video.read_bytes()).hexdigest()
        (uuid,) = uploads.found(sha256)
        stack.oracle.until_content([Taken(uuid, sha256)])
        again = uploads.client.upload(video)
        assert (again.status_code, again.json()["uuid"]) == (200, uuid)

    def test_f7_before_the_commit_nothing_stays(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.new()
        self._die_at(stack, "ingest.sealed", uploads.client, video)

        sha256 = hashlib.sha256(video.read_bytes()).hexdigest()
        assert uploads.found(sha256) == []
        # The file that nobody owns goes after the grace time.
        stack.oracle.until_content(uploads.taken)
        uploads.send(video)
        stack.oracle.until_content(uploads.taken)

    @staticmethod
    def _die_at(stack: FaultStack, point: str, client: Client, video: Path) -> None:
        stack.die_at(point)
        with pytest.raises(httpx.TransportError):
            client.upload(video)
        stack.until_died_at(point, 1.0)
        stack.until_serving()


class Restless:
    """Clients that upload one video after the other, whatever they are answered."""

    CLIENTS = 4

    def __init__(self, stack: FaultStack, videos: Videos) -> None:
        self._stack = stack
        self._videos = videos
        self._over = Event()
        self.taken: list[Taken] = []
        self.refused: list[httpx.Response] = []

    @contextmanager
    def at_work(self) -> Iterator[None]:
        clients = [self._stack.client() for _ in range(self.CLIENTS)]
        with ThreadPoolExecutor(self.CLIENTS) as pool:
            sending = [pool.submit(self._send, client) for client in clients]
            try:
                yield
            finally:
                self._over.set()
                for sent in sending:
                    sent.result()

    def until_taken(self, count: int) -> None:
        until(lambda: len(self.taken) >= count, 20.0, f"{count} uploads are taken")

    def _send(self, client: Client) -> None:
        with client:
            while not self._over.wait(0.2):
                video = self._videos.new()
                try:
                    answer = client.upload(video)
                except httpx.TransportError:
                    continue
                if answer.is_success:
                    self.taken.append(Taken.of(answer, video))
                else:
                    self.refused.append(answer)


@pytest.mark.faults
class TestReplacedApi:
    def test_f47_restarts_under_load_lose_nothing_that_was_answered(
        self, stack: FaultStack, videos: Videos
    ) -> None:
        restless = Restless(stack, videos)
        with restless.at_work():
            for _ in range(3):
                before = len(restless.taken)
                with stack.stopped("api"):
                    pass
                restless.until_taken(before + 4)

        assert [
            answer.text
            for answer in restless.refused
            if answer.status_code != 503 or "Retry-After" not in answer.headers
        ] == []
        stack.oracle.until_content(restless.taken)
