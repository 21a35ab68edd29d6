"""Reads and writes documents of one kind."""

from typing import Generic, TypeVar
from uuid import UUID

from backend.odm.connection import MongoConnection
from backend.odm.documents import Document

Kind = TypeVar("Kind", bound=Document)


class Repository(Generic[Kind]):
    """The collection of one kind of document. Every method raises `DocumentStoreAway`.

    Filters are made here, from typed values under `$eq`: nothing that a client sends
    can become an operator.
    """

    def __init__(self, connection: MongoConnection, kind: type[Kind]) -> None:
        self._connection = connection
        self._kind = kind

    async def replace(self, document: Kind) -> None:
        """Replace or insert, so that doing it again changes nothing."""
        async with self._connection.database() as database:
            await database[self._kind.collection_name].replace_one(
                self._by_id(document.id), document.to_mongo(), upsert=True
            )

    async def find(self, document_id: UUID) -> Kind | None:
        async with self._connection.database() as database:
            found = await database[self._kind.collection_name].find_one(
                self._by_id(document_id)
            )
        return None if found is None else self._kind.from_mongo(found)

    async def delete(self, document_id: UUID) -> None:
        async with self._connection.database() as database:
            await database[self._kind.collection_name].delete_one(
                self._by_id(document_id)
            )

    async def ensure_indexes(self) -> None:
        async with self._connection.database() as database:
            collection = database[self._kind.collection_name]
            for index in self._kind.indexes:
                await collection.create_index(
                    list(index.keys), name=index.name, unique=index.unique
                )

    @staticmethod
    def _by_id(document_id: UUID) -> dict[str, dict[str, UUID]]:
        return {"_id": {"$eq": document_id}}
