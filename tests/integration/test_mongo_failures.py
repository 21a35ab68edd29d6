import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pymongo
import pytest
from structlog.testing import capture_logs

from backend.domain.errors import DocumentStoreAway
from backend.domain.metadata import BlobMetadata, MetadataReport
from backend.domain.patience import Patience
from backend.embedded.programs import Programs
from backend.embedded.servers.mongo import MongoServer
from backend.odm.connection import MongoConnection, MongoSettings
from backend.odm.metadata_repository import MongoMetadataStore
from tests.black_hole import BlackHole
from tests.frozen import Frozen

# Operations have three seconds, and the driver's threads one more; a machine that is busy
# with other tests may take a while to tell.
MOST_SECONDS = 8.0


class OwnMongo:
    """A mongod that only this test has, so that it may be frozen."""

    def __init__(self, folder: Path) -> None:
        self.port = BlackHole.closed_port()
        self.url = f"mongodb://127.0.0.1:{self.port}/own?directConnection=true"
        words = f"--port {self.port} --bind_ip 127.0.0.1 --replSet rs0 --quiet"
        self.process = subprocess.Popen(
            [self._program(), "--dbpath", folder, *words.split()],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    @staticmethod
    def _program() -> Path:
        return Programs().find("mongod", MongoServer.PROGRAM, "MONGO_URL")

    def begin(self) -> None:
        member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
        with pymongo.MongoClient[dict[str, object]](
            self.url, serverSelectionTimeoutMS=20_000
        ) as client:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})

    @contextmanager
    def frozen(self) -> Iterator[None]:
        Frozen.stop(self.process.pid)
        try:
            yield
        finally:
            Frozen.go_on(self.process.pid)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class TestMongoFailures:
    METADATA = BlobMetadata(
        blob_id=uuid4(),
        sha256="cd" * 32,
        extracted_at=datetime(2026, 1, 1, tzinfo=UTC),
        report=MetadataReport(({"type": "General"},), "M", "1", truncated=False),
    )

    @pytest.fixture(scope="class")
    @classmethod
    def mongo(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnMongo]:
        mongo = OwnMongo(tmp_path_factory.mktemp("mongo"))
        try:
            mongo.begin()
            yield mongo
        finally:
            mongo.stop()

    @staticmethod
    @contextmanager
    def store(url: str, **settings: float) -> Iterator[MongoMetadataStore]:
        connection = MongoConnection(MongoSettings(url, **settings))
        try:
            yield MongoMetadataStore(connection)
        finally:
            connection.close()

    @staticmethod
    async def seconds_until_away(work: Awaitable[object]) -> float:
        started = time.monotonic()
        with pytest.raises(DocumentStoreAway) as raised:
            await work
        # A client is told so, and it stands in the history of jobs.
        assert str(raised.value) == "MongoDB does not answer."
        return time.monotonic() - started

    @pytest.mark.parametrize("where", ["closed", "black hole"])
    async def test_a_server_that_is_not_there_is_away_in_time(self, where: str) -> None:
        with BlackHole.open() as hole:
            port = hole if where == "black hole" else BlackHole.closed_port()
            with self.store(f"mongodb://127.0.0.1:{port}/x") as store:
                taken = await asyncio.gather(
                    self.seconds_until_away(store.save(self.METADATA)),
                    self.seconds_until_away(store.find(self.METADATA.blob_id)),
                    self.seconds_until_away(store.remove(self.METADATA.blob_id)),
                    self.seconds_until_away(store.prepare()),
                )
        assert max(taken) < MOST_SECONDS

    async def test_a_frozen_server_is_away_in_time_and_comes_back(
        self, mongo: OwnMongo
    ) -> None:
        with self.store(mongo.url) as store:
            await self.until_it_answers(store)
            with mongo.frozen():
                taken = await asyncio.gather(
                    *(
                        self.seconds_until_away(store.find(self.METADATA.blob_id))
                        for _ in range(60)
                    ),
                    self.seconds_until_away(store.save(self.METADATA)),
                )
            assert max(taken) < MOST_SECONDS
            await self.until_it_answers(store)
            assert await store.find(self.METADATA.blob_id) == self.METADATA

    async def test_the_loop_goes_on_while_the_server_is_frozen(
        self, mongo: OwnMongo
    ) -> None:
        with self.store(mongo.url) as store:
            await self.until_it_answers(store)
            with mongo.frozen():
                task = asyncio.create_task(
                    self.seconds_until_away(store.find(self.METADATA.blob_id))
                )
                loop = asyncio.get_running_loop()
                longest, last = 0.0, loop.time()
                while not task.done():
                    await asyncio.sleep(0.005)
                    longest, last = max(longest, loop.time() - last), loop.time()
            assert longest < 1.0
            await task

    async def test_a_server_that_refuses_us_is_away(self, mongo: OwnMongo) -> None:
        refused = mongo.url.replace("//", "//nobody:wrong@")
        with self.store(refused) as store, capture_logs() as logged:
            assert await self.seconds_until_away(store.prepare()) < MOST_SECONDS
        (line,) = logged
        assert line["event"] == "mongo.away"
        assert "Authentication failed" in line["reason"]
        assert "nobody" not in str(line)
        assert "wrong" not in str(line)

    async def test_why_it_is_away_stands_in_the_log(self) -> None:
        port = BlackHole.closed_port()
        url = f"mongodb://127.0.0.1:{port}/x"
        with (
            self.store(url, operation_seconds=0.3) as store,
            capture_logs() as logged,
        ):
            await self.seconds_until_away(store.find(uuid4()))
        (line,) = logged
        assert (line["event"], line["log_level"]) == ("mongo.away", "warning")
        assert str(port) in line["reason"]

    async def test_that_it_takes_too_long_does_too(self) -> None:
        with BlackHole.open() as hole:
            url = f"mongodb://127.0.0.1:{hole}/x"
            with (
                self.store(url) as store,
                capture_logs() as logged,
                Patience.of_request(0.1),
            ):
                await self.seconds_until_away(store.find(uuid4()))
        (line,) = logged
        assert line["event"] == "mongo.away"

    async def test_threads_do_not_pile_up(self) -> None:
        before = threading.active_count()
        with BlackHole.open() as hole:
            url = f"mongodb://127.0.0.1:{hole}/x"
            for _ in range(2):
                with self.store(url, operation_seconds=0.5) as store:
                    await asyncio.gather(
                        *(
                            self.seconds_until_away(store.find(uuid4()))
                            for _ in range(20)
                        )
                    )
        # The driver's pool has five threads for each core, and is never made smaller.
        pool = 5 * (os.cpu_count() or 1)
        assert threading.active_count() <= before + pool + 6

    async def until_it_answers(self, store: MongoMetadataStore) -> None:
        """A member elects itself first, and a server wakes slowly."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await store.save(self.METADATA)
                except DocumentStoreAway:
                    continue
