"""Values of a media: where its bytes are, what they are, who asks."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from uuid import UUID

from backend.domain.rights import Right

SHA256_PATTERN = r"^[0-9a-f]{64}$"
TITLE_MOST_CHARACTERS = 200
DESCRIPTION_MOST_CHARACTERS = 5_000
FILE_NAME_MOST_CHARACTERS = 255
# Smaller than the header of any container: MP4's first box alone has 8 bytes and a brand.
VIDEO_LEAST_BYTES = 16


class UrlKind(StrEnum):
    VIDEO = "video"
    MINIATURE = "miniature"


@dataclass(frozen=True, slots=True)
class Container:
    """A video container we take: its name, media type and file ending."""

    name: str
    media_type: str
    extension: str


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """Where an object lives in the bucket: never made from anything a client said."""

    value: str

    @classmethod
    def video(cls, blob_id: UUID, extension: str) -> "ObjectKey":
        return cls(f"videos/{blob_id}.{extension}")

    def __str__(self) -> str:
        return self.value


class FileName:
    """Makes a client's file name safe to show: never used as a path or a key."""

    # Controls, and the characters that turn the direction of text around.
    _UNSHOWABLE = re.compile(
        r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    )

    @classmethod
    def shown(cls, raw: str, default: str = "video") -> str:
        """The last path segment, NFC, without controls, at most 255 characters."""
        text = unicodedata.normalize("NFC", raw.encode("utf-8", "replace").decode())
        segment = re.split(r"[/\\]", text)[-1]
        shown = cls._UNSHOWABLE.sub("", segment).strip()
        return shown[:FILE_NAME_MOST_CHARACTERS] if shown.strip(".") else default

    @staticmethod
    def stem(shown: str) -> str:
        return PurePosixPath(shown).stem[:TITLE_MOST_CHARACTERS] or shown


@dataclass(frozen=True, slots=True)
class StagedFile:
    """Received bytes on disk; a new blob gets their name as its uuid."""

    name: UUID
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class NewMedia:
    """Everything the ledger needs to take a received video in."""

    owner_id: UUID
    session_id: UUID
    title: str
    description: str
    file_name: str
    container: Container
    file: StagedFile
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Ingested:
    """How an ingest ended: `created` a media, or found the owner's media of these bytes."""

    media_id: UUID
    created: bool
    deduplicated: bool
    keeps_staged_file: bool


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What a job must know of the bytes it works on."""

    uuid: UUID
    sha256: str
    size_bytes: int
    media_type: str
    object_key: ObjectKey
    staged_name: UUID
    stored: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: read fresh from the database, never from the token."""

    user_id: UUID
    session_id: UUID
    email: str
    role: str
    rights: frozenset[Right]

    def has(self, right: Right) -> bool:
        return right in self.rights
