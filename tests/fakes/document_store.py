from uuid import UUID

from backend.domain.errors import DocumentStoreAway
from backend.domain.metadata import BlobMetadata


class InMemoryDocumentStore:
    """Keeps reports in a dictionary; `away` plays a MongoDB that does not answer."""

    def __init__(self) -> None:
        self.documents: dict[UUID, BlobMetadata] = {}
        self.away = False

    async def save(self, metadata: BlobMetadata) -> None:
        self._answer()
        self.documents[metadata.blob_id] = metadata

    async def find(self, blob_id: UUID) -> BlobMetadata | None:
        self._answer()
        return self.documents.get(blob_id)

    async def remove(self, blob_id: UUID) -> None:
        self._answer()
        self.documents.pop(blob_id, None)

    async def prepare(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.away:
            raise DocumentStoreAway
