"""The whole technical report of a blob."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MetadataReport:
    """What the extractor found: MediaInfo's tracks, each with its `type` first.

    `truncated` says that values were cut to keep the report within its limits;
    `libraries` are the versions of the extractor and its bindings.
    """

    tracks: tuple[Mapping[str, Any], ...]
    extractor: str
    extractor_version: str
    truncated: bool
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlobMetadata:
    """A report as it is kept, for exactly the bytes with this sha256."""

    blob_id: UUID
    sha256: str
    extracted_at: datetime
    report: MetadataReport
