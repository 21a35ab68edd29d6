import asyncio
import os
from collections.abc import Iterator

import pytest

from backend.domain.metadata import BlobMetadata
from backend.odm.connection import MongoConnection, MongoSettings
from backend.odm.metadata_repository import MongoMetadataStore
from tests.contract.document_store_contract import DocumentStoreContract


class TestMongoMetadataStore(DocumentStoreContract):
    @pytest.fixture
    def connection(self) -> Iterator[MongoConnection]:
        connection = MongoConnection(MongoSettings(os.environ["MONGO_URL"]))
        yield connection
        connection.close()

    @pytest.fixture
    def store(self, connection: MongoConnection) -> MongoMetadataStore:
        return MongoMetadataStore(connection)

    async def test_fifty_first_saves_at_once_make_one_document(
        self,
        store: MongoMetadataStore,
        connection: MongoConnection,
        metadata: BlobMetadata,
    ) -> None:
        await asyncio.gather(*(store.save(metadata) for _ in range(50)))
        async with connection.database() as database:
            found = await database.metadata.find({"sha256": metadata.sha256}).to_list()
        ids = [document["_id"] for document in found]
        assert ids.count(metadata.blob_id) == 1

    async def test_the_indexes_are_made(
        self, store: MongoMetadataStore, connection: MongoConnection
    ) -> None:
        await store.prepare()
        async with connection.database() as database:
            assert set(await database.metadata.index_information()) == {
                "_id_",
                "by_sha256",
            }

    async def test_writes_wait_for_the_journal_of_the_majority(
        self, store: MongoMetadataStore, connection: MongoConnection
    ) -> None:
        async with connection.database() as database:
            assert database.write_concern.document == {"w": "majority", "j": True}
            assert database.read_concern.level == "majority"

    def test_a_new_loop_gets_a_new_client(self, metadata: BlobMetadata) -> None:
        connection = MongoConnection(MongoSettings(os.environ["MONGO_URL"]))
        store = MongoMetadataStore(connection)
        asyncio.run(store.save(metadata))
        assert asyncio.run(store.find(metadata.blob_id)) == metadata
        connection.close()
