import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pymongo.errors import DocumentTooLarge

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

    async def test_a_document_from_before_libraries_were_kept_is_readable(
        self,
        store: MongoMetadataStore,
        connection: MongoConnection,
        metadata: BlobMetadata,
    ) -> None:
        await store.save(metadata)
        async with connection.database() as database:
            await database.metadata.update_one(
                {"_id": metadata.blob_id}, {"$unset": {"libraries": 1}}
            )
        older = replace(metadata, report=replace(metadata.report, libraries={}))
        assert await store.find(metadata.blob_id) == older

    async def test_a_report_that_mongodb_never_takes_does_not_pass_for_its_absence(
        self, store: MongoMetadataStore, metadata: BlobMetadata
    ) -> None:
        track = {"type": "General", "Title": "t" * 17 * 1024**2}
        huge = replace(metadata, report=replace(metadata.report, tracks=(track,)))
        with pytest.raises(DocumentTooLarge):
            await store.save(huge)

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
