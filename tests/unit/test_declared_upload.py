"""What is answered before the bytes, and what only after them."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone

from backend.domain.jobs import RetryPolicy
from backend.domain.media import NewMedia
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Blob
from backend.use_cases.declared_upload import DeclaredUpload
from backend.use_cases.object_check import ObjectCheck
from tests.fakes.freshness import InMemoryFreshness
from tests.fakes.ingest_leases import InMemoryIngestLeases
from tests.fakes.object_storage import InMemoryObjectStorage
from tests.ledger_world import LedgerWorld

pytestmark = pytest.mark.usefixtures("clean_database")

CONTENT = b"some video"


class World:
    """Somebody who has a media and declares its bytes again."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self.storage = InMemoryObjectStorage()
        self.ledgers = LedgerWorld(threads, InMemoryFreshness(), RetryPolicy())
        self.new: NewMedia
        self.media_id: UUID

    async def take_in(self) -> None:
        session = await sync_to_async(self.ledgers.session)()
        self.new = self.ledgers.received(session, CONTENT)
        self.media_id = (await self.ledgers.ledger.ingest(self.new)).media_id

    async def store(self) -> None:
        self.ledgers.staged.clear()
        await Blob.objects.aupdate(state="stored", stored_at=timezone.now())
        key = (await Blob.objects.aget()).object_key
        self.storage.objects[key] = CONTENT

    async def found(self) -> UUID | None:
        declared = DeclaredUpload(
            self.new.owner_id,
            self.ledgers.ledger,
            InMemoryIngestLeases(),
            ObjectCheck(self.storage),
        )
        async with declared:
            return await declared.media_of(self.new.file.sha256)


@pytest_asyncio.fixture
async def world(database_threads: DatabaseThreads) -> AsyncIterator[World]:
    world = World(database_threads)
    await world.take_in()
    yield world


class TestDeclaredUpload:
    async def test_bytes_that_are_staged_need_not_be_sent(self, world: World) -> None:
        assert await world.found() == world.media_id

    async def test_bytes_whose_staged_file_is_gone_are_wanted(
        self, world: World
    ) -> None:
        world.ledgers.staged.clear()
        assert await world.found() is None

    async def test_bytes_that_are_stored_need_not_be_sent(self, world: World) -> None:
        await world.store()
        assert await world.found() == world.media_id

    async def test_bytes_whose_object_is_gone_are_wanted(self, world: World) -> None:
        await world.store()
        world.storage.objects.clear()
        assert await world.found() is None

    async def test_bytes_are_wanted_when_nobody_can_look(self, world: World) -> None:
        await world.store()
        world.storage.away = True
        assert await world.found() is None
