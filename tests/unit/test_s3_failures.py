import asyncio
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from backend.adapters.folder import Folder
from backend.adapters.s3_connection import S3Connection
from backend.adapters.s3_object_probe import S3ObjectProbe
from backend.adapters.s3_part_plan import MEBIBYTE
from backend.adapters.stoppable_threads import StoppableThreads
from backend.domain.errors import ObjectStoreAway, StorageFull
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import ObjectKey
from tests.black_hole import BlackHole
from tests.blobs import BlobMaker
from tests.fakes.broken_s3 import BrokenS3
from tests.recorded_uploads import RecordedUploads
from tests.s3 import S3Lab

SMALL = b"A small video. " * 100
LARGE = os.urandom(MEBIBYTE) * 40
KEY = ObjectKey("videos/x.mp4")


class NarrowFolder(Folder):
    """Has so much `room` above its floor each time that it is asked."""

    def __init__(self, path: Path, room: list[int]) -> None:
        super().__init__(path, floor_bytes=0)
        self.asked: list[int] = []
        self._room = room

    def check_room(self, size_bytes: int) -> None:
        self.asked.append(size_bytes)
        if size_bytes > self._room[len(self.asked) - 1]:
            raise StorageFull


class S3FailureSuite:
    @pytest.fixture
    def lab(self, tmp_path: Path) -> S3Lab:
        return S3Lab(tmp_path)

    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobMaker:
        return BlobMaker(tmp_path)

    @pytest.fixture
    def broken(self) -> Iterator[BrokenS3]:
        with BrokenS3().running() as server:
            yield server


class TestEveryCall(S3FailureSuite):
    def test_has_an_end_and_sends_no_checksum_nobody_asked_for(
        self, lab: S3Lab
    ) -> None:
        """Many stores refuse, or store, the trailers of the newer SDKs."""
        connection = S3Connection(lab.settings)
        config = connection.client.meta.config
        connection.close()
        assert (config.connect_timeout, config.read_timeout) == (3, 30)
        assert config.retries["total_max_attempts"] == 3
        assert config.request_checksum_calculation == "when_required"
        assert config.response_checksum_validation == "when_required"


class TestAway(S3FailureSuite):
    @pytest.mark.parametrize("where", ["closed", "black hole"])
    async def test_a_store_that_is_not_there_is_away(
        self, lab: S3Lab, recorded: RecordedUploads, where: str
    ) -> None:
        with BlackHole.open() as hole:
            port = hole if where == "black hole" else BlackHole.refusing_port()
            async with lab.storage(
                endpoint_url=f"http://127.0.0.1:{port}",
                connect_timeout_seconds=0.3,
                read_timeout_seconds=0.3,
                attempts=1,
            ) as storage:
                for ask in (
                    storage.stat(KEY),
                    storage.download(KEY),
                    storage.remove(KEY),
                    storage.prepare(),
                    recorded.put_new(storage, SMALL),
                    recorded.put_new(storage, LARGE),
                ):
                    with (
                        capture_logs() as logged,
                        pytest.raises(ObjectStoreAway) as away,
                    ):
                        await ask
                    # Jobs tell those who may see them; where it is, is the log's.
                    assert str(port) not in str(away.value)
                    assert "127.0.0.1" not in str(away.value)
                    assert {line["event"] for line in logged} == {"s3.away"}
                    assert all(str(port) in line["reason"] for line in logged)

    @pytest.mark.parametrize(
        "failure",
        [
            (500, "InternalError"),
            (503, "SlowDown"),
            (400, "RequestTimeout"),
            (403, "QuotaExceeded"),
        ],
    )
    async def test_a_store_that_cannot_now_is_away(
        self,
        lab: S3Lab,
        recorded: RecordedUploads,
        broken: BrokenS3,
        failure: tuple[int, str],
    ) -> None:
        broken.plan = {"put": [failure] * 9, "part": [failure] * 9}
        async with lab.storage(endpoint_url=broken.url, attempts=2) as storage:
            with pytest.raises(ObjectStoreAway, match=failure[1]):
                await recorded.put_new(storage, SMALL)
            with pytest.raises(ObjectStoreAway, match=failure[1]):
                await recorded.put_new(storage, LARGE)
        assert "abort" not in broken.seen
        assert broken.objects == {}

    async def test_a_short_trouble_is_ridden_out_and_counted_once(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3
    ) -> None:
        broken.plan = {name: [(503, "SlowDown")] for name in ("part", "head")}
        broken.plan["complete"] = [(200, "InternalError")]
        moved: list[int] = []
        async with lab.storage(endpoint_url=broken.url) as storage:
            await recorded.put_new(storage, LARGE, moved.append)
        assert sum(moved) == len(LARGE)
        assert list(broken.objects.values()) == [LARGE]

    async def test_a_completion_that_says_200_and_means_no_is_a_failure(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3
    ) -> None:
        broken.plan = {"complete": [(200, "InternalError")] * 9}
        async with lab.storage(endpoint_url=broken.url, attempts=1) as storage:
            with pytest.raises(ObjectStoreAway, match="InternalError"):
                await recorded.put_new(storage, LARGE)
        assert broken.objects == {}

    async def test_a_store_that_does_not_list_its_parts_gets_all_of_them_again(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3
    ) -> None:
        claim = await recorded.claimed(LARGE)
        broken.plan = {"complete": [(503, "SlowDown")]}
        async with lab.storage(endpoint_url=broken.url, attempts=1) as storage:
            with pytest.raises(ObjectStoreAway):
                await recorded.put(storage, claim, LARGE)
            broken.plan = {"get": [(403, "AccessDenied")]}
            await recorded.put(storage, claim, LARGE)
        assert lab.sent_parts == [1, 2, 3, 1, 2, 3]
        assert list(broken.objects.values()) == [LARGE]


class TestDenied(S3FailureSuite):
    @pytest.mark.parametrize(
        "changes",
        [{"access_key_id": "nobody"}, {"secret_access_key": "wrong"}],
    )
    async def test_wrong_credentials_are_denied(
        self, lab: S3Lab, recorded: RecordedUploads, changes: dict[str, str]
    ) -> None:
        async with lab.storage(**changes) as storage:
            for ask in (
                storage.stat(KEY),
                storage.download(KEY),
                storage.remove(KEY),
                storage.prepare(),
                recorded.put_new(storage, SMALL),
                recorded.put_new(storage, LARGE),
            ):
                with pytest.raises(JobFailed) as caught:
                    await ask
                assert caught.value.code is FailureCode.OBJECT_STORE_DENIED
                assert "403" in str(caught.value)

    async def test_a_missing_bucket_is_denied(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3
    ) -> None:
        gone = [(404, "NoSuchBucket")]
        broken.plan = {"put": gone, "create": list(gone)}
        async with lab.storage(endpoint_url=broken.url) as storage:
            for content in (SMALL, LARGE):
                with pytest.raises(JobFailed) as caught:
                    await recorded.put_new(storage, content)
                assert caught.value.code is FailureCode.OBJECT_STORE_DENIED


class TestDamaged(S3FailureSuite):
    @pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
    async def test_a_store_that_confirms_nothing_is_read_back(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3, content: bytes
    ) -> None:
        async with lab.storage(endpoint_url=broken.url) as storage:
            await recorded.put_new(storage, content)
        assert broken.seen[-2:] == ["head", "get"]

    @pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
    async def test_other_bytes_in_the_store_are_noticed_and_removed(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3, content: bytes
    ) -> None:
        broken.spoils = True
        async with lab.storage(endpoint_url=broken.url) as storage:
            with pytest.raises(JobFailed) as caught:
                await recorded.put_new(storage, content)
        assert caught.value.code is FailureCode.OBJECT_DAMAGED
        assert broken.objects == {}

    @pytest.mark.parametrize("size", [4 * MEBIBYTE, 20 * MEBIBYTE])
    async def test_bytes_that_change_on_the_way_are_refused_by_the_real_store(
        self, lab: S3Lab, recorded: RecordedUploads, tmp_path: Path, size: int
    ) -> None:
        """The file changes after it was hashed and while it is sent."""
        content = bytes(size)
        claim, path = await recorded.claimed(content), tmp_path / "changing"
        path.write_bytes(content)
        descriptor = os.open(path, os.O_WRONLY)
        async with lab.storage() as storage:
            await storage.prepare()
            with path.open("rb") as source, pytest.raises(JobFailed) as caught:
                await storage.put_resumably(
                    claim.blob,
                    source,
                    lambda count: os.pwrite(descriptor, b"?", 3 * MEBIBYTE) and None,
                    recorded.journal(claim),
                )
            assert caught.value.code is FailureCode.OBJECT_DAMAGED
            assert "BadDigest" in str(caught.value)
            assert await storage.stat(claim.blob.object_key) is None
        os.close(descriptor)


class TestDownload(S3FailureSuite):
    async def test_a_broken_connection_is_gone_on_from(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3
    ) -> None:
        async with lab.storage(endpoint_url=broken.url) as storage:
            blob = await recorded.put_new(storage, LARGE)
            broken.break_after = 15 * MEBIBYTE
            file = await storage.download(blob.object_key)
            assert file is not None
            with file:
                assert file.read() == LARGE
            broken.break_after = MEBIBYTE
            with pytest.raises(ObjectStoreAway, match="breaks off"):
                await storage.download(blob.object_key)

    async def test_one_that_would_go_below_the_floor_is_not_begun(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3, tmp_path: Path
    ) -> None:
        """Uploads need that room."""
        folder = lab.downloads = NarrowFolder(tmp_path, [len(LARGE) - 1])
        async with lab.storage(endpoint_url=broken.url) as storage:
            blob = await recorded.put_new(storage, LARGE)
            with pytest.raises(StorageFull):
                await storage.download(blob.object_key)
        assert folder.asked == [len(LARGE)]

    async def test_the_floor_is_kept_while_others_fill_the_disk(
        self, lab: S3Lab, recorded: RecordedUploads, broken: BrokenS3, tmp_path: Path
    ) -> None:
        room = [len(LARGE), 2 * MEBIBYTE, MEBIBYTE, 0]
        folder = lab.downloads = NarrowFolder(tmp_path, room)
        async with lab.storage(endpoint_url=broken.url) as storage:
            blob = await recorded.put_new(storage, LARGE)
            with pytest.raises(StorageFull):
                await storage.download(blob.object_key)
        assert folder.asked == [len(LARGE), *[MEBIBYTE] * 3]


class TestCancellation(S3FailureSuite):
    async def test_a_cancelled_put_stops_its_thread_and_leaves_no_object(
        self, lab: S3Lab, blobs: BlobMaker
    ) -> None:
        blob = blobs.describe(LARGE)
        begun, go_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def moved(count: int) -> None:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(10)

        async with lab.storage() as storage:
            await storage.prepare()
            with blobs.opened(LARGE) as source:
                task = asyncio.create_task(storage.put(blob, source, moved))
                await begun.wait()
                task.cancel()
                loop.call_later(0.05, go_on.set)
                started = time.monotonic()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert time.monotonic() - started < 1.5
            assert await storage.stat(blob.object_key) is None

    async def test_a_cancelled_call_does_not_wait_for_a_black_hole(
        self, lab: S3Lab
    ) -> None:
        with BlackHole.open() as hole:
            async with lab.storage(
                endpoint_url=f"http://127.0.0.1:{hole}",
                read_timeout_seconds=5,
                attempts=1,
            ) as storage:
                started = time.monotonic()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await storage.stat(KEY)
                assert time.monotonic() - started < 3.5

    async def test_black_holes_do_not_use_threads_up(self, lab: S3Lab) -> None:
        before = threading.active_count()
        with BlackHole.open() as hole:
            async with lab.storage(
                endpoint_url=f"http://127.0.0.1:{hole}",
                connect_timeout_seconds=0.1,
                read_timeout_seconds=0.1,
                attempts=1,
            ) as storage:
                asked = await asyncio.gather(
                    *(storage.stat(KEY) for _ in range(50)), return_exceptions=True
                )
                assert {type(answer) for answer in asked} == {ObjectStoreAway}
                assert threading.active_count() <= before + 4


class TestProbe(S3FailureSuite):
    @pytest.fixture
    def probe(self, lab: S3Lab, broken: BrokenS3) -> Iterator[S3ObjectProbe]:
        settings = replace(lab.settings, endpoint_url=broken.url)
        probe = S3ObjectProbe(settings, StoppableThreads("s3-probe", most=1))
        yield probe
        probe.close()

    @pytest.mark.parametrize("status", [408, 429, 500, 503])
    async def test_a_store_that_cannot_now_is_away(
        self, probe: S3ObjectProbe, broken: BrokenS3, status: int
    ) -> None:
        broken.plan = {"head": [(status, "")]}
        with pytest.raises(ObjectStoreAway, match=str(status)):
            await probe.stat(KEY)

    @pytest.mark.parametrize("status", [301, 400, 403, 501])
    async def test_a_store_that_refuses_says_nothing_of_the_object(
        self, probe: S3ObjectProbe, broken: BrokenS3, status: int
    ) -> None:
        broken.plan = {"head": [(status, "")]}
        with pytest.raises(JobFailed) as caught:
            await probe.stat(KEY)
        assert caught.value.code is FailureCode.OBJECT_STORE_DENIED
