"""The documents, each with its collection and indexes beside it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.metadata import BlobMetadata, MetadataReport


class Index(BaseModel):
    """An index as MongoDB makes it; 1 ascends, -1 descends."""

    model_config = ConfigDict(frozen=True)

    name: str
    keys: Sequence[tuple[str, int]]
    unique: bool = False


class Document(BaseModel):
    """What is kept under one uuid, in a collection of its kind.

    `_id` is a native UUID (binary, subtype 4), not its text: 16 bytes instead of 36,
    one spelling, and no text of a client can ever equal it.
    """

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    collection_name: ClassVar[str]
    indexes: ClassVar[tuple[Index, ...]] = ()

    id: UUID = Field(alias="_id")

    def to_mongo(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)

    @classmethod
    def from_mongo(cls, found: dict[str, Any]) -> Self:
        return cls.model_validate(found)


class MetadataDocument(Document):
    """The whole MediaInfo report of a blob; there is one, however often it is saved."""

    collection_name = "metadata"
    indexes = (Index(name="by_sha256", keys=[("sha256", 1)]),)

    sha256: str
    extractor: str
    extractor_version: str
    extracted_at: datetime
    tracks: list[dict[str, Any]]
    truncated: bool
    # Documents that are older than this field do not have it.
    libraries: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, metadata: BlobMetadata) -> Self:
        report = metadata.report
        return cls(
            id=metadata.blob_id,
            sha256=metadata.sha256,
            extractor=report.extractor,
            extractor_version=report.extractor_version,
            extracted_at=metadata.extracted_at,
            tracks=[dict(track) for track in report.tracks],
            truncated=report.truncated,
            libraries=dict(report.libraries),
        )

    def to_domain(self) -> BlobMetadata:
        report = MetadataReport(
            tracks=tuple(self.tracks),
            extractor=self.extractor,
            extractor_version=self.extractor_version,
            truncated=self.truncated,
            libraries=self.libraries,
        )
        return BlobMetadata(self.id, self.sha256, self.extracted_at, report)
