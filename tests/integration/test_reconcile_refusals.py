"""What cannot be repaired keeps nothing else from being found and repaired."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from backend.domain.media import ObjectKey
from backend.odm.documents import MetadataDocument
from backend.orm.models import Blob
from backend.use_cases.comparisons.objects import ObjectsComparison
from tests.faults.http_proxy import HttpProxy, Request, When
from tests.faults.proxy_loop import ProxyLoop
from tests.faults.tcp_proxy import Upstream
from tests.ports import TestPorts
from tests.reconcile_world import ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest.fixture
def proxy() -> Iterator[HttpProxy]:
    port = urlsplit(os.environ["S3_ENDPOINT_URL"]).port
    with ProxyLoop() as loop:
        proxy = HttpProxy(loop, TestPorts().port("proxy"), Upstream(port or 0))
        proxy.start()
        yield proxy
        proxy.stop()


@pytest_asyncio.fixture
async def world(tmp_path: Path, proxy: HttpProxy) -> AsyncIterator[ReconcileWorld]:
    address = f"http://127.0.0.1:{proxy.port}"
    running = ReconcileWorld.running(tmp_path / "staging", s3_endpoint_url=address)
    async with running as world:
        yield world
        proxy.heal()


class TestObjectThatMayNotBeRemoved:
    """Its bucket retains it, or our credentials may not."""

    @pytest.fixture
    def kept(self, proxy: HttpProxy) -> ObjectKey:
        key = ObjectKey.video(UUID(int=0), "mp4")
        path = f"/{ReconcileWorld.BUCKET}/{key}"

        def is_removal(request: Request) -> bool:
            return request.method == "DELETE" and request.path == path

        proxy.answer(403, "AccessDenied", is_removal)
        return key

    async def test_the_rest_is_repaired_in_the_same_turn(
        self, world: ReconcileWorld, kept: ObjectKey
    ) -> None:
        later = ObjectKey.video(uuid4(), "mp4")
        for key in (kept, later):
            await world.put_object(key, b"nobody's")

        await world.turn()

        assert not await world.holds(later)
        report = {one["key"]: one for one in await world.report()}
        assert report[str(later)]["applied"]
        assert not report[str(kept)]["applied"]
        assert "AccessDenied" in report[str(kept)]["action"]

    async def test_a_person_is_told_and_the_rest_is_repaired(
        self, world: ReconcileWorld, kept: ObjectKey
    ) -> None:
        later = ObjectKey.video(uuid4(), "mp4")
        for key in (kept, later):
            await world.put_object(key, b"nobody's")

        reconciled = await world.reconcile()

        assert not await world.holds(later)
        assert (reconciled.repaired, reconciled.remaining) == (1, 1)
        assert reconciled.away == {}


class TestDocumentThatCannotBeRead:
    @staticmethod
    async def damage(world: ReconcileWorld, blob_id: UUID, **values: Any) -> None:
        async with world.worker.mongo_connection.database() as database:
            await database[MetadataDocument.collection_name].update_one(
                {"_id": blob_id}, {"$set": values}
            )

    async def test_it_is_extracted_again(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        blob = await world.blob(media_id)
        await self.damage(world, blob.uuid, sha256=7)
        name = world.put_file()

        await world.turn()

        assert not world.has_file(name)
        assert (await world.media(media_id)).status == "processing"
        assert await world.worker.document_store.find(blob.uuid) is None
        await world.described(media_id)
        assert (await world.media(media_id)).status == "ready"
        assert await world.plan() == []


class TestManyThatReturned:
    """Each has to be asked for its checksum, and a turn has its time."""

    @staticmethod
    async def returned(world: ReconcileWorld, count: int) -> list[ObjectKey]:
        """In the order in which they are compared."""
        contents = {}
        for n in range(count):
            media_id = await world.ready(f"video {n}".encode())
            blob = await world.blob(media_id)
            contents[ObjectKey(blob.object_key)] = await world.remove_object(media_id)
        await world.repairs()
        for key, content in contents.items():
            await world.put_object(key, content)
        return sorted(contents, key=str)

    @staticmethod
    def limit(world: ReconcileWorld, **limits: float) -> None:
        (objects,) = (c for c in world.container.comparisons if c.name == "objects")
        turn = world.container.reconcile_turn
        assert isinstance(objects, ObjectsComparison)
        limited = replace(objects, returned=replace(objects.returned, **limits))
        world.container.reconcile_turn = replace(turn, comparisons=[limited])

    @staticmethod
    async def missing() -> set[ObjectKey]:
        rows = Blob.objects.filter(state="missing")
        return {
            ObjectKey(key) async for key in rows.values_list("object_key", flat=True)
        }

    @staticmethod
    def asks_for(*keys: ObjectKey) -> When:
        paths = {f"/{ReconcileWorld.BUCKET}/{key}" for key in keys}
        return lambda asked: asked.method == "HEAD" and asked.path in paths

    async def test_they_come_back_a_few_at_a_time(self, world: ReconcileWorld) -> None:
        keys = await self.returned(world, 3)
        self.limit(world, most=2)

        await world.turn()
        assert await self.missing() == {keys[2]}
        await world.turn()
        assert await self.missing() == set()

    async def test_one_that_is_refused_is_told_and_the_rest_comes_back(
        self, world: ReconcileWorld, proxy: HttpProxy
    ) -> None:
        refused, *others = await self.returned(world, 3)
        proxy.answer(403, "AccessDenied", self.asks_for(refused))

        await world.turn()

        assert await self.missing() == {refused}
        report = {one["key"]: one for one in await world.report()}
        assert set(report) == {str(key) for key in (refused, *others)}
        assert "left: The object store answered 403" in report[str(refused)]["action"]
        assert not report[str(refused)]["applied"]

    async def test_a_person_is_told_of_it_too(
        self, world: ReconcileWorld, proxy: HttpProxy
    ) -> None:
        refused, *_ = await self.returned(world, 3)
        proxy.answer(403, "AccessDenied", self.asks_for(refused))

        reconciled = await world.reconcile()

        assert (reconciled.repaired, reconciled.remaining) == (2, 1)
        assert reconciled.away == {}

    async def test_a_store_that_is_slow_keeps_no_turn_from_getting_further(
        self, world: ReconcileWorld, proxy: HttpProxy
    ) -> None:
        """To ask for all of them takes longer than a turn may."""
        keys = await self.returned(world, 5)
        # The second can never be in time; the first may be late by almost a second.
        self.limit(world, seconds=1.9)
        proxy.delay(1.0, self.asks_for(*keys))

        for _ in range(2):
            await world.turn()

        assert len(await self.missing()) == 3

    async def test_one_without_an_answer_is_told_and_the_rest_comes_back(
        self, world: ReconcileWorld, proxy: HttpProxy
    ) -> None:
        first, silent, last = await self.returned(world, 3)
        self.limit(world, seconds=0.5)
        proxy.delay(60, self.asks_for(silent))

        for _ in range(3):
            await world.turn()

        assert await self.missing() == {silent}
        report = {one["key"]: one["action"] for one in await world.report()}
        assert set(report) == {str(key) for key in (first, silent, last)}
        assert report[str(silent)] == "left: no answer in 0.5 s"

    async def test_so_is_one_whose_asking_fails(
        self, world: ReconcileWorld, proxy: HttpProxy
    ) -> None:
        _, damaged, _ = await self.returned(world, 3)
        proxy.answer(503, "SlowDownRead", self.asks_for(damaged))

        for _ in range(3):
            await world.turn()

        assert await self.missing() == {damaged}
