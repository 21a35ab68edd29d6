import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.adapters.s3_object_probe import S3ObjectProbe
from backend.adapters.stoppable_threads import StoppableThreads
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef, ObjectKey
from backend.use_cases.ports import StoredObject
from tests.black_hole import BlackHole
from tests.blobs import BlobMaker
from tests.s3 import S3Lab

CONTENT = b"A small video. " * 100
LOST = ObjectKey("videos/lost.mp4")


class ForgetfulServer:
    """Answers the first request of each connection, and closes it upon the second."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.connections += 1
                connection.recv(65536)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                    b"Connection: keep-alive\r\n\r\n"
                )
                # The next request on it is read and not answered.
                connection.recv(65536)


class Probes:
    """Probes of the S3 server of this run, or of another one."""

    def __init__(self, lab: S3Lab) -> None:
        self._lab = lab
        self._made: list[S3ObjectProbe] = []

    def probe(self, **changes: Any) -> S3ObjectProbe:
        settings = replace(self._lab.settings, **changes)
        probe = S3ObjectProbe(settings, StoppableThreads("s3-probe", most=2))
        self._made.append(probe)
        return probe

    def close(self) -> None:
        for probe in self._made:
            probe.close()


@pytest.fixture
def lab(tmp_path: Path) -> S3Lab:
    return S3Lab(tmp_path)


@pytest.fixture
def probes(lab: S3Lab) -> Iterator[Probes]:
    probes = Probes(lab)
    yield probes
    probes.close()


@pytest.fixture
async def stored(lab: S3Lab, tmp_path: Path) -> AsyncIterator[BlobRef]:
    blobs = BlobMaker(tmp_path)
    blob = blobs.describe(CONTENT)
    async with lab.storage() as storage:
        await storage.prepare()
        with blobs.opened(CONTENT) as source:
            await storage.put(blob, source, lambda count: None)
        yield blob


class TestS3ObjectProbe:
    async def test_it_tells_what_is_stored(
        self, probes: Probes, stored: BlobRef
    ) -> None:
        probe = probes.probe()
        for _ in range(2):
            assert await probe.stat(stored.object_key) == StoredObject(
                stored.object_key, len(CONTENT), stored.sha256
            )

    async def test_a_lost_object_is_none(self, probes: Probes, stored: BlobRef) -> None:
        assert await probes.probe().stat(LOST) is None

    @pytest.mark.parametrize(
        "changes",
        [{"bucket": "never-made"}, {"secret_access_key": "wrong" * 5}],
        ids=["another bucket", "another key"],
    )
    async def test_a_wrong_configuration_is_no_lost_object(
        self, probes: Probes, stored: BlobRef, changes: dict[str, str]
    ) -> None:
        probe = probes.probe(**changes)
        for ask in (probe.stat(LOST), probe.check_bucket()):
            with pytest.raises(JobFailed) as caught:
                await ask
            assert caught.value.code is FailureCode.OBJECT_STORE_DENIED

    @pytest.mark.parametrize("where", ["closed", "black hole"])
    async def test_a_store_that_does_not_answer_is_away(
        self, probes: Probes, where: str
    ) -> None:
        with BlackHole.open() as hole:
            port = hole if where == "black hole" else BlackHole.refusing_port()
            probe = probes.probe(
                endpoint_url=f"http://127.0.0.1:{port}",
                connect_timeout_seconds=0.3,
                read_timeout_seconds=0.3,
            )
            with pytest.raises(ObjectStoreAway):
                await probe.stat(LOST)

    async def test_a_kept_connection_that_was_closed_is_made_anew(
        self, probes: Probes
    ) -> None:
        server = ForgetfulServer()
        probe = probes.probe(endpoint_url=server.url)
        for _ in range(3):
            found = await probe.stat(LOST)
            assert found is not None
            assert found.size_bytes == 1
        server.close()
        assert server.connections == 3
