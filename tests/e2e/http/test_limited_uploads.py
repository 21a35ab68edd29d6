"""Uploads that are too slow, too large, too many, or more than the disk takes."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.raw_upload import GOOD, RawClient, RawUpload
from tests.e2e.remains import Remains
from tests.e2e.videos import MEBIBYTE, Videos
from tests.fakes.clips import Clips
from tests.fakes.uploads import Multipart
from tests.raw_http import RawHttp
from tests.uvicorn_process import UvicornProcess

pytestmark = pytest.mark.usefixtures("quiet_afterwards")

MOST_VIDEO_BYTES = 2 * MEBIBYTE


class Apis:
    """API processes with limits of their own, on the stores and the staging of a stack."""

    def __init__(self, stack: EmbeddedStack, folder: Path) -> None:
        self._environment = {**stack.servers.environment(), "STAGING_FLOOR_BYTES": "0"}
        self._folder = folder

    def impatient(self) -> UvicornProcess:
        """Waits half a second for bytes, and takes videos of two mebibytes."""
        return UvicornProcess(
            {**self._environment, "MAX_VIDEO_BYTES": str(MOST_VIDEO_BYTES)},
            self._folder / "impatient.log",
            "tests.e2e.http.impatient_application:application",
        )

    def full(self) -> UvicornProcess:
        """Its floor is above everything that any disk has free."""
        return UvicornProcess(
            {**self._environment, "STAGING_FLOOR_BYTES": str(2**60)},
            self._folder / "full.log",
        )


@pytest.fixture(scope="module")
def apis(stack: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory) -> Apis:
    return Apis(stack, tmp_path_factory.mktemp("apis"))


@pytest.fixture(scope="module")
def impatient(apis: Apis) -> Iterator[UvicornProcess]:
    with apis.impatient() as process:
        yield process


class Pace:
    """What a slow client sends after the head of its request."""

    @staticmethod
    def nothing(connection: socket.socket) -> None:
        """It only waits."""

    @staticmethod
    def half(connection: socket.socket) -> None:
        connection.sendall(GOOD[: len(GOOD) // 2])

    @staticmethod
    def byte_by_byte(connection: socket.socket) -> None:
        """Each comes in time; all together are below the least rate."""
        with suppress(OSError):
            for byte in GOOD:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)


class TestSlow:
    # A third of what everybody else is given.
    MOST_SECONDS = 10.0

    @pytest.mark.parametrize("pace", [Pace.nothing, Pace.half, Pace.byte_by_byte])
    def test_it_is_given_up_and_nothing_is_left(
        self,
        impatient: UvicornProcess,
        raw: RawClient,
        remains: Remains,
        pace: Callable[[socket.socket], None],
    ) -> None:
        process = psutil.Process(impatient.pid)
        began = time.monotonic()
        with raw.at(impatient.port).connection() as connection:
            connection.sendall(RawUpload().head(raw.authorization()))
            sender = threading.Thread(target=pace, args=[connection])
            sender.start()
            answer = RawHttp.read(connection)
            assert connection.recv(1) == b""
            seconds = time.monotonic() - began
            # The slot is free again though the client still holds its end.
            is_free = lambda: not self._served(process, connection)  # noqa: E731
            until(is_free, self.MOST_SECONDS, "it is free")
        sender.join()

        assert (answer.status, answer.json()["code"]) == (408, "body_too_slow")
        assert 0.4 < seconds < self.MOST_SECONDS
        assert remains.added() == set()

    @staticmethod
    def _served(process: psutil.Process, connection: socket.socket) -> bool:
        here = connection.getsockname()
        return here in {found.raddr for found in process.net_connections("tcp")}


class TestTooLarge:
    def test_a_video_that_grows_too_large_in_chunks(
        self, impatient: UvicornProcess, raw: RawClient, remains: Remains
    ) -> None:
        """Nothing was declared: the bytes are counted as they come."""
        form = Multipart().video(Clips.mp4(MOST_VIDEO_BYTES + 1)).body()
        answer = raw.at(impatient.port).send(RawUpload.chunked(form, 9, 70_000))
        assert (answer.status, answer.json()["code"]) == (413, "too_large")
        assert remains.added() == set()


class TestFull:
    FULL = (507, "staging_full")

    def test_below_the_floor_no_body_is_asked_for(
        self, apis: Apis, raw: RawClient, remains: Remains
    ) -> None:
        waits = RawUpload.unread(MEBIBYTE, b"Expect: 100-continue")
        with apis.full() as api:
            answer = raw.at(api.port).send(waits)
        assert (answer.status, answer.json()["code"]) == self.FULL
        assert answer.interim == b""
        assert remains.added() == set()

    @pytest.mark.parametrize("room_bytes", [0, 300_000, 1_000_000])
    def test_the_disk_is_full_in_the_middle(
        self,
        impatient: UvicornProcess,
        raw: RawClient,
        remains: Remains,
        room_bytes: int,
    ) -> None:
        """No file of the process can grow further: so says the kernel, as for a disk."""
        upload = RawUpload(Multipart().video(Clips.mp4(1_900_000)).body())
        with self._room(impatient, room_bytes):
            answer = raw.at(impatient.port).send(upload)
        assert (answer.status, answer.json()["code"]) == self.FULL
        assert remains.added() == set()
        assert raw.at(impatient.port).send(upload).status in (200, 201)

    @staticmethod
    @contextmanager
    def _room(api: UvicornProcess, size_bytes: int) -> Iterator[None]:
        process = psutil.Process(api.pid)
        before = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (size_bytes, before[1]))
        try:
            yield
        finally:
            process.rlimit(psutil.RLIMIT_FSIZE, before)


class TestMany:
    COUNT = 200
    # Each has sent what fills buffers, and stops in the middle of its video.
    SENT_BYTES = 900_000
    MOST_BYTES_EACH = MEBIBYTE // 2

    def test_those_who_stall_do_not_disturb_the_others(
        self,
        stack: EmbeddedStack,
        raw: RawClient,
        remains: Remains,
        operator: Client,
        videos: Videos,
    ) -> None:
        api = psutil.Process(stack.pid("api"))
        before = api.memory_info().rss
        with ExitStack() as open_ones:
            for _ in range(self.COUNT):
                open_ones.enter_context(self._stalled(raw))
            until(lambda: len(remains.files()) >= self.COUNT, 25.0, "all are staged")
            grown = api.memory_info().rss - before
            # What the uploads do to others they do each time; the machine does not.
            seconds = min(self._slowest_ping(stack) for _ in range(3))
            answer = operator.upload(videos.new())
        print(f"{grown / MEBIBYTE:.0f} MiB, {seconds * 1000:.0f} ms")  # noqa: T201
        assert grown < self.COUNT * self.MOST_BYTES_EACH
        assert seconds < 0.5
        assert answer.status_code == 201
        assert operator.until_done(answer.json()["uuid"])["status"] == "ready"
        until(lambda: not remains.files(), 30.0, "their files are gone")
        assert remains.rows("media") == {answer.json()["uuid"]}

    @contextmanager
    def _stalled(self, raw: RawClient) -> Iterator[None]:
        content = Clips.mp4() + os.urandom(2 * self.SENT_BYTES)
        upload = RawUpload(Multipart().video(content).body())
        with raw.connection() as connection:
            connection.sendall(upload.request(raw.authorization())[: self.SENT_BYTES])
            yield

    @staticmethod
    def _slowest_ping(stack: EmbeddedStack) -> float:
        slowest = 0.0
        with httpx.Client(base_url=stack.address, trust_env=False) as client:
            for _ in range(100):
                began = time.monotonic()
                assert client.get("/ping/").status_code == 200
                slowest = max(slowest, time.monotonic() - began)
        return slowest
