import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from bson import Binary
from django.db import connection as postgresql

from backend.domain.metadata import BlobMetadata, MetadataReport
from backend.odm.connection import MongoConnection, MongoSettings
from backend.odm.metadata_inventory import MongoMetadataInventory
from backend.odm.metadata_repository import MongoMetadataStore
from backend.use_cases.ports import HeldDocument

SAVED_AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
# Where signed and unsigned bytes, and text and bytes, would differ.
EDGES = [
    UUID(int=0),
    UUID(int=1),
    UUID(int=2**128 - 1),
    UUID("7fffffff-ffff-ffff-ffff-ffffffffffff"),
    UUID("80000000-0000-0000-0000-000000000000"),
    UUID("00000000-0000-0000-ffff-000000000000"),
    UUID("0a000000-0000-0000-0000-000000000000"),
    UUID("a0000000-0000-0000-0000-000000000000"),
]


class TestMongoMetadataInventory:
    @pytest.fixture
    def connection(self) -> Iterator[MongoConnection]:
        """To a database of its own: everything in it is listed."""
        address = urlsplit(os.environ["MONGO_URL"])._replace(path="/inventory")
        connection = MongoConnection(MongoSettings(address.geturl()))
        yield connection
        connection.close()

    @pytest.fixture
    async def collection(self, connection: MongoConnection) -> AsyncIterator[Any]:
        async with connection.database() as database:
            yield database.metadata
            await database.metadata.drop()

    @pytest.fixture
    def inventory(self, connection: MongoConnection) -> MongoMetadataInventory:
        return MongoMetadataInventory(connection)

    async def test_an_empty_store_has_no_documents(
        self, inventory: MongoMetadataInventory
    ) -> None:
        assert await inventory.documents(None, 10) == []

    async def test_what_was_saved_is_held(
        self,
        inventory: MongoMetadataInventory,
        connection: MongoConnection,
        collection: Any,
    ) -> None:
        report = MetadataReport(({"type": "General"},), "M", "25", truncated=False)
        saved = BlobMetadata(uuid4(), "ab" * 32, SAVED_AT, report)
        await MongoMetadataStore(connection).save(saved)
        held = HeldDocument(saved.blob_id, saved.sha256, SAVED_AT)
        assert await inventory.documents(None, 10) == [held]

    @pytest.mark.parametrize("most", [1, 7, 1000])
    @pytest.mark.usefixtures("clean_database")
    async def test_pages_come_in_the_order_of_postgresql(
        self, inventory: MongoMetadataInventory, collection: Any, most: int
    ) -> None:
        ids = [*EDGES, *(uuid4() for _ in range(20))]
        await collection.insert_many([self._document(blob_id) for blob_id in ids])
        pages = [await inventory.documents(None, most)]
        while len(pages[-1]) == most and len(pages) <= len(ids):
            pages.append(await inventory.documents(pages[-1][-1].blob_id, most))
        found = [held.blob_id for page in pages for held in page]
        assert found == await self._sorted_by_postgresql(ids)

    async def test_what_others_put_there_is_none_of_ours(
        self, inventory: MongoMetadataInventory, collection: Any
    ) -> None:
        ours = [uuid4(), uuid4()]
        strange = [
            *(self._document(some) for some in ("text", 7, None, {"a": 1})),
            self._document(Binary(b"short", 4)),
            self._document(Binary(uuid4().bytes, 3)),
            self._document(Binary(uuid4().bytes, 0)),
            self._document(Binary(uuid4().bytes, 5)),
            self._document(Binary(uuid4().bytes * 2, 4)),
            {"_id": uuid4()},
            self._document(uuid4()) | {"sha256": 7},
            self._document(uuid4()) | {"extracted_at": "yesterday"},
        ]
        await collection.insert_many([*strange, *map(self._document, ours)])
        found = await inventory.documents(None, 2)
        assert [held.blob_id for held in found] == sorted(ours)
        assert await inventory.documents(max(ours), 2) == []

    async def test_a_page_reads_no_more_than_it_gives(
        self, inventory: MongoMetadataInventory, collection: Any
    ) -> None:
        ids = [uuid4() for _ in range(50)]
        await collection.insert_many([self._document(blob_id) for blob_id in ids])
        database = collection.database
        await database.command("profile", 2)
        try:
            await inventory.documents(sorted(ids)[30], 5)
        finally:
            await database.command("profile", 0)
        done = await database["system.profile"].find_one(
            {"ns": collection.full_name}, sort=[("ts", -1)]
        )
        await database["system.profile"].drop()
        assert (done["keysExamined"], done["docsExamined"]) == (5, 5)
        assert done["responseLength"] < 5 * 500

    @staticmethod
    def _document(document_id: object) -> dict[str, Any]:
        return {
            "_id": document_id,
            "sha256": "cd" * 32,
            "extracted_at": SAVED_AT + timedelta(seconds=1),
            "tracks": [{"type": "General", "text": "x" * 2_000}],
        }

    @staticmethod
    @sync_to_async
    def _sorted_by_postgresql(ids: list[UUID]) -> list[UUID]:
        with postgresql.cursor() as cursor:
            cursor.execute("SELECT id FROM unnest(%s::uuid[]) AS id ORDER BY id", [ids])
            return [row[0] for row in cursor.fetchall()]
