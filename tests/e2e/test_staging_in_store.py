"""The whole system with `STAGING_BACKEND=s3`: API and worker share nothing but the stores."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import httpx
import pytest

from backend.embedded.stack import EmbeddedServers, EmbeddedStack
from tests.e2e.client import Client, Origin
from tests.e2e.faults import Faults, until
from tests.e2e.test_faults_processes import HalfUpload
from tests.e2e.videos import MEBIBYTE, Videos
from tests.folders import Looked
from tests.pictures import Pictures
from tests.ports import TestPorts

# More than two parts, and more than one request of the worker.
LARGE = 20 * MEBIBYTE
GONE_SECONDS = 90.0
BACK_SECONDS = 60.0


class Hosts:
    """A stack whose API and worker have folders of their own."""

    def __init__(self, folder: Path) -> None:
        self.of_api, self.of_worker = folder / "of-api", folder / "of-worker"
        settings = {
            **Client.SETTINGS,
            "STAGING_BACKEND": "s3",
            "STAGING_DIR": str(self.of_api),
            "RECONCILE_GRACE_SECONDS": "1",
        }
        servers = EmbeddedServers(
            folder / "data", TestPorts(), durable=True, environment=settings
        )
        scratch = f"STAGING_DIR={self.of_worker}"
        worker = ["env", scratch, sys.executable, "-m", *EmbeddedStack.WORKER]
        self.stack = EmbeddedStack(servers, worker_command=worker)
        self.faults = Faults(self.stack)

    def files(self) -> set[str]:
        """What is on the disk of either host."""
        folders = (self.of_api, self.of_worker, self.stack.data.staging)
        return {
            name
            for folder in folders
            if folder.exists()
            for name in Looked.names(folder)
        }


class StagedAtOrigin:
    """What is staged in the bucket, complete or not."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def has_begun(self) -> bool:
        return bool(self._unfinished())

    def until_nothing(self) -> None:
        until(lambda: not self._all(), GONE_SECONDS, "nothing is staged")

    def _all(self) -> set[str]:
        return self._origin.keys("staging/") | set(self._unfinished())

    def _unfinished(self) -> list[str]:
        return [key for key in self._origin.unfinished() if key.startswith("staging/")]


class Sweeps:
    """Whether the stores have been compared, from their beginning, since it was made."""

    def __init__(self, hosts: Hosts) -> None:
        self._client = Client(hosts.stack).signed_in("admin")
        self._since = datetime.now(UTC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.http.close()

    def have_passed(self) -> bool:
        answer = self._client.http.get("/system/consistency/")
        if answer.status_code != httpx.codes.OK:
            return False
        return datetime.fromisoformat(answer.json()["started_at"]) > self._since


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    folder = Path(tempfile.mkdtemp(prefix="mediaproject-e2e-"))
    hosts = Hosts(folder)
    try:
        hosts.stack.start()
        yield hosts
    finally:
        hosts.stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(hosts: Hosts) -> Iterator[Client]:
    with Client(hosts.stack).signed_in("media_operator") as client:
        yield client


@pytest.fixture
def store(hosts: Hosts) -> Origin:
    return Origin(hosts.stack.servers.environment())


@pytest.fixture
def staged(store: Origin) -> StagedAtOrigin:
    return StagedAtOrigin(store)


class TestMainJob:
    @pytest.mark.parametrize("size_bytes", [0, LARGE])
    def test_a_video_goes_in_and_its_very_bytes_come_out(
        self,
        hosts: Hosts,
        client: Client,
        staged: StagedAtOrigin,
        videos: Videos,
        size_bytes: int,
    ) -> None:
        video = videos.new(size_bytes)
        answer = client.upload(video, Pictures.plain("JPEG"), title="A holiday")
        assert answer.status_code == 201, answer.text
        client.until_done(answer.json()["uuid"], BACK_SECONDS)
        media = client.until_quiet(answer.json()["uuid"])
        assert media["status"] == "ready"
        assert media["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
        assert set(media["jobs"].values()) == {"succeeded"}
        fetched = httpx.get(media["urls"]["video"], trust_env=False)
        assert fetched.content == video.read_bytes()
        staged.until_nothing()
        assert hosts.files() == set()

    def test_the_same_file_again_stores_nothing_and_a_deletion_leaves_nothing(
        self, client: Client, store: Origin, staged: StagedAtOrigin, videos: Videos
    ) -> None:
        video = videos.new(LARGE)
        uuid = client.upload(video).json()["uuid"]
        assert client.until_done(uuid, BACK_SECONDS)["status"] == "ready"
        client.until_quiet(uuid)
        again = client.upload(video)
        assert (again.status_code, again.json()["uuid"]) == (200, uuid)
        staged.until_nothing()
        assert store.copies(video) == 1

        assert client.http.delete(f"/media/{uuid}/").status_code == 204
        until(lambda: store.copies(video) == 0, GONE_SECONDS, "the object is gone")
        staged.until_nothing()

    def test_an_object_that_was_lost_is_healed(
        self, client: Client, store: Origin, staged: StagedAtOrigin, videos: Videos
    ) -> None:
        video = videos.new()
        uuid = client.upload(video).json()["uuid"]
        address = client.until_done(uuid, BACK_SECONDS)["urls"]["video"]
        client.until_quiet(uuid)
        staged.until_nothing()
        store.lose(video)
        again = client.upload(video).json()
        assert (again["uuid"], again["healed"]) == (uuid, True)
        assert client.until_done(uuid, BACK_SECONDS)["status"] == "ready"
        assert httpx.get(address, trust_env=False).content == video.read_bytes()
        client.until_quiet(uuid)
        staged.until_nothing()


@pytest.mark.faults
class TestFaults:
    def test_what_was_answered_outlives_api_and_worker(
        self, hosts: Hosts, client: Client, staged: StagedAtOrigin, videos: Videos
    ) -> None:
        video = videos.new(LARGE)
        hosts.stack.stop_process("worker")
        answer = client.upload(video)
        old = hosts.faults.kill("api")
        hosts.stack.start_process("worker")
        assert answer.status_code == 201
        hosts.faults.until_back("api", old, BACK_SECONDS)
        media = client.until_done(answer.json()["uuid"], BACK_SECONDS)
        assert media["status"] == "ready"
        client.until_quiet(answer.json()["uuid"])
        staged.until_nothing()

    def test_an_api_that_is_killed_while_it_receives_leaves_nothing(
        self, hosts: Hosts, client: Client, staged: StagedAtOrigin, videos: Videos
    ) -> None:
        with HalfUpload(client, videos.noise(2 * LARGE), "Never").sent():
            until(staged.has_begun, BACK_SECONDS, "an upload has begun")
            old = hosts.faults.kill("api")
        hosts.faults.until_back("api", old, BACK_SECONDS)
        staged.until_nothing()
        assert hosts.files() == set()

    def test_what_is_being_received_is_not_swept_away(
        self, hosts: Hosts, client: Client, staged: StagedAtOrigin, videos: Videos
    ) -> None:
        """For longer than the grace; then the client leaves, and nothing is left."""
        with HalfUpload(client, videos.noise(2 * LARGE), "Slow").sent():
            until(staged.has_begun, BACK_SECONDS, "an upload has begun")
            for _ in range(2):
                with Sweeps(hosts) as sweeps:
                    until(sweeps.have_passed, GONE_SECONDS, "all has been compared")
            assert staged.has_begun()
        staged.until_nothing()

    def test_a_store_that_is_away_is_told_and_nothing_is_stored(
        self, hosts: Hosts, client: Client, staged: StagedAtOrigin, videos: Videos
    ) -> None:
        small, large = videos.new(), videos.new(LARGE)
        with hosts.faults.stopped("s3"):
            for video in (small, large):
                answer = client.upload(video)
                assert answer.status_code == 503, answer.text
                assert answer.json()["code"] == "staging_away"
            ready = client.http.get("/health/ready/")
            assert ready.status_code == 503
            checks = ready.json()["checks"]
            assert (checks["s3"], checks["staging"]) == ("away", "away")
        staged.until_nothing()
        assert client.upload(small).status_code == 201
