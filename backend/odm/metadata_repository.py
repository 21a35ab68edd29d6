"""The metadata reports in MongoDB."""

from uuid import UUID

import structlog
from pydantic import ValidationError

from backend.domain.metadata import BlobMetadata
from backend.odm.connection import MongoConnection
from backend.odm.documents import MetadataDocument
from backend.odm.repository import Repository

log = structlog.get_logger(__name__)


class MongoMetadataStore:
    """`DocumentStore`: one document for each blob, written to the majority's journal."""

    def __init__(self, connection: MongoConnection) -> None:
        self._documents = Repository(connection, MetadataDocument)

    async def save(self, metadata: BlobMetadata) -> None:
        await self._documents.replace(MetadataDocument.of(metadata))

    async def find(self, blob_id: UUID) -> BlobMetadata | None:
        """An unreadable document counts as missing: it is made again and replaced."""
        try:
            found = await self._documents.find(blob_id)
        except ValidationError as error:
            log.warning("metadata.unreadable", blob=str(blob_id), reason=str(error))
            return None
        return None if found is None else found.to_domain()

    async def remove(self, blob_id: UUID) -> None:
        await self._documents.delete(blob_id)

    async def prepare(self) -> None:
        await self._documents.ensure_indexes()
