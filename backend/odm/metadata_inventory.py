"""Which metadata documents there are."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from uuid import UUID

from backend.odm.connection import MongoConnection
from backend.odm.documents import MetadataDocument
from backend.use_cases.ports import HeldDocument


class MongoMetadataInventory:
    """`DocumentInventory` by the index that MongoDB keeps on `_id`.

    Foreign documents in the collection, and unreadable ones, are ignored.
    """

    # Two bounds of one type exclude documents with another type of id.
    _FIRST: Final = UUID(int=0)
    _LAST: Final = UUID(int=2**128 - 1)
    _READABLE: ClassVar = {
        "sha256": {"$type": "string"},
        "extracted_at": {"$type": "date"},
    }

    def __init__(self, connection: MongoConnection) -> None:
        self._connection = connection

    async def documents(self, after: UUID | None, most: int) -> Sequence[HeldDocument]:
        async with self._connection.database() as database:
            found = (
                database[MetadataDocument.collection_name]
                .find(self._after(after), projection=list(self._READABLE))
                .sort("_id", 1)
                .hint("_id_")
                .limit(most)
            )
            return [self._held(document) for document in await found.to_list()]

    @classmethod
    def _after(cls, after: UUID | None) -> dict[str, Any]:
        start = {"$gte": cls._FIRST} if after is None else {"$gt": after}
        return {"_id": {**start, "$lte": cls._LAST}, **cls._READABLE}

    @staticmethod
    def _held(found: dict[str, Any]) -> HeldDocument:
        return HeldDocument(found["_id"], found["sha256"], found["extracted_at"])
