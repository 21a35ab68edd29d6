import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from backend.domain.metadata import BlobMetadata, MetadataReport
from backend.use_cases.ports import DocumentStore


class DocumentStoreContract:
    """What every `DocumentStore` does; a subclass has the fixture `store`."""

    @pytest.fixture
    def metadata(self) -> BlobMetadata:
        tracks = (
            {"type": "General", "Format": "MPEG-4", "extra": {"a": ["1", "2"]}},
            {"type": "Video", "Width": "1280", "Title": "Größe 電影 🎬"},
        )
        return BlobMetadata(
            blob_id=uuid4(),
            sha256="ab" * 32,
            # MongoDB keeps milliseconds.
            extracted_at=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
            report=MetadataReport(
                tracks,
                "MediaInfoLib",
                "24.12",
                truncated=False,
                libraries={"pymediainfo": "7.0.1"},
            ),
        )

    async def test_what_was_saved_is_found(
        self, store: DocumentStore, metadata: BlobMetadata
    ) -> None:
        await store.save(metadata)
        assert await store.find(metadata.blob_id) == metadata

    async def test_the_order_of_fields_stays(
        self, store: DocumentStore, metadata: BlobMetadata
    ) -> None:
        await store.save(metadata)
        found = await store.find(metadata.blob_id)
        assert found is not None
        assert [list(track) for track in found.report.tracks] == [
            list(track) for track in metadata.report.tracks
        ]

    async def test_saving_again_replaces_everything(
        self, store: DocumentStore, metadata: BlobMetadata
    ) -> None:
        await store.save(metadata)
        newer = replace(
            metadata,
            report=MetadataReport(({"type": "General"},), "M", "25", truncated=True),
        )
        await store.save(newer)
        assert await store.find(metadata.blob_id) == newer

    async def test_many_savers_at_once_leave_one_document(
        self, store: DocumentStore, metadata: BlobMetadata
    ) -> None:
        await asyncio.gather(*(store.save(metadata) for _ in range(50)))
        assert await store.find(metadata.blob_id) == metadata
        await store.remove(metadata.blob_id)
        assert await store.find(metadata.blob_id) is None

    async def test_what_is_not_there_is_none_and_may_be_removed(
        self, store: DocumentStore
    ) -> None:
        await store.remove(uuid4())
        assert await store.find(uuid4()) is None

    async def test_preparing_again_keeps_what_is_there(
        self, store: DocumentStore, metadata: BlobMetadata
    ) -> None:
        await store.prepare()
        await store.save(metadata)
        await store.prepare()
        assert await store.find(metadata.blob_id) == metadata
