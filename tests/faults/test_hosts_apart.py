"""Hosts that share nothing but the stores: uploads are staged in the object store."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.test_faults_processes import HalfUpload
from tests.e2e.videos import MEBIBYTE, Videos
from tests.faults.harness import BACK_SECONDS, FaultStack
from tests.faults.oracle import Taken
from tests.faults.test_redis import Bell
from tests.faults.uploads import Uploads

pytestmark = pytest.mark.faults

PUT = "upload_to_cdn"
DIED_ONCE = [("lost", "lease_lost"), ("succeeded", None)]
# More than one part, staged or put.
IN_PARTS = 33 * MEBIBYTE


@pytest.fixture(scope="module")
def running_stack() -> Iterator[FaultStack]:
    folder = Path(tempfile.mkdtemp(prefix="mediaproject-faults-"))
    try:
        with FaultStack(folder, hosts_apart=True) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def half_sent(stack: FaultStack, client: Client, video: Path) -> Iterator[None]:
    """An upload that goes no further, and of which the store has something."""
    before = len(stack.stores.staged())
    with HalfUpload(client, video, "Half").sent():
        begun = lambda: len(stack.stores.staged()) > before  # noqa: E731
        until(begun, BACK_SECONDS, "something is staged")
        yield


class TestApi:
    def test_killed_before_the_commit_nothing_stays(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.new()
        stack.die_at("ingest.sealed")
        with pytest.raises(httpx.TransportError):
            uploads.client.upload(video)
        stack.until_serving()
        assert uploads.found(hashlib.sha256(video.read_bytes()).hexdigest()) == []
        stack.oracle.until_content()
        uploads.send(video)
        stack.oracle.until_content(uploads.taken)

    def test_killed_after_the_commit_the_media_stays(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.noise(IN_PARTS)
        stack.die_at("ingest.committed")
        with pytest.raises(httpx.TransportError):
            uploads.client.upload(video)
        stack.until_serving()
        sha256 = hashlib.sha256(video.read_bytes()).hexdigest()
        (uuid,) = uploads.found(sha256)
        stack.oracle.until_content([Taken(uuid, sha256)])

    def test_killed_while_it_receives_nothing_stays(
        self, stack: FaultStack, operator: Client, videos: Videos
    ) -> None:
        with half_sent(stack, operator, videos.noise(IN_PARTS)):
            stack.kill_and_wait("api")
        stack.oracle.until_content()


class TestWorker:
    @pytest.mark.parametrize("point", ["upload.part_sent", "extract.reading"])
    def test_killed_in_the_middle_of_its_work(
        self, stack: FaultStack, uploads: Uploads, videos: Videos, point: str
    ) -> None:
        stack.die_at(point)
        uploads.send(videos.noise(IN_PARTS))
        stack.until_died_at(point)
        stack.oracle.until_content(uploads.taken, 90.0)

    def test_the_whole_host_is_killed_while_it_puts(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        with stack.stopped("worker"):
            taken = uploads.send(videos.noise(8 * IN_PARTS))
        until(lambda: bool(stack.stores.unfinished()), BACK_SECONDS, "a put has begun")
        stack.kill_and_wait("worker")
        stack.oracle.until_content(uploads.taken, 90.0)
        assert uploads.attempts(taken, PUT) == DIED_ONCE


class TestStores:
    def test_the_object_store_is_away(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        """What was taken waits for it; nothing is taken meanwhile, and each is told."""
        with stack.stopped("worker"):
            taken = uploads.one()
            stack.proxy("s3").refuse()
        for video in (videos.new(), videos.noise(IN_PARTS)):
            answer = uploads.client.upload(video)
            assert (answer.status_code, answer.json()["code"]) == (503, "staging_away")
            assert "Retry-After" in answer.headers
        assert uploads.until_failed_once(taken, PUT) == "object_store_away"
        stack.heal()
        stack.oracle.until_content(uploads.taken)

    def test_it_goes_away_while_an_upload_is_received(
        self, stack: FaultStack, operator: Client, uploads: Uploads, videos: Videos
    ) -> None:
        with half_sent(stack, operator, videos.noise(IN_PARTS)):
            stack.proxy("s3").refuse()
        stack.heal()
        uploads.one()
        stack.oracle.until_content(uploads.taken)

    def test_redis_forgets_everything(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        with stack.stopped("worker"):
            uploads.several(3)
            with half_sent(stack, uploads.client, videos.noise(IN_PARTS)):
                Bell(stack).flush()
            uploads.one()
        stack.oracle.until_content(uploads.taken)

    def test_postgresql_is_killed_while_an_upload_is_received(
        self, stack: FaultStack, operator: Client, uploads: Uploads, videos: Videos
    ) -> None:
        """With it go the locks by which the sweep knows who receives what."""
        with half_sent(stack, operator, videos.noise(IN_PARTS)):
            stack.kill_and_wait("postgres")
        # The lock of a name needs a new connection, for which a client may have to come again.
        until(uploads.is_taken, BACK_SECONDS, "an upload is taken")
        stack.oracle.until_content(uploads.taken)


class TestTwoApis:
    @pytest.fixture
    def second(self, stack: FaultStack) -> Iterator[Client]:
        """The same person at another API, which has a folder of its own."""
        with (
            stack.second_api() as api,
            Client(api).signed_in("media_operator") as client,  # type: ignore[arg-type]
        ):
            yield client

    def test_what_a_lost_host_has_answered_is_published(
        self, stack: FaultStack, second: Client, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.noise(IN_PARTS)
        with stack.stopped("worker"):
            taken = Taken.of(second.upload(video), video)
            stack.kill("api-2")
            again = uploads.client.upload(video)
        assert (again.status_code, again.json()["uuid"]) == (200, taken.uuid)
        stack.oracle.until_content([taken])

    def test_what_a_lost_host_was_receiving_goes_and_what_another_receives_stays(
        self, stack: FaultStack, second: Client, operator: Client, videos: Videos
    ) -> None:
        with half_sent(stack, operator, videos.noise(IN_PARTS)):
            (alive,) = stack.stores.staged()
            with half_sent(stack, second, videos.noise(IN_PARTS)):
                stack.kill("api-2")
            alone = lambda: stack.stores.staged() == {alive}  # noqa: E731
            until(alone, 60.0, "what the lost host was receiving is gone")
            (row,) = stack.stores.rows("SELECT now() AS began")
            stack.until_row(
                "SELECT 1 FROM consistency_report WHERE started_at > %s",
                row["began"],
                seconds=60.0,
            )
            assert alone()
        stack.oracle.until_content()

    def test_the_same_bytes_at_both_at_once_are_one_object(
        self, stack: FaultStack, second: Client, operator: Client, videos: Videos
    ) -> None:
        video = videos.noise(IN_PARTS)
        with ThreadPoolExecutor(2) as pool:
            answers = list(
                pool.map(lambda client: client.upload(video), (operator, second))
            )
        assert sorted(answer.status_code for answer in answers) == [200, 201]
        one, other = (Taken.of(answer, video) for answer in answers)
        assert one.uuid == other.uuid
        stack.oracle.until_content([one])
