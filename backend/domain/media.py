"""Values of a media: where its bytes are, what they are, and who asks for them."""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import ClassVar
from uuid import UUID

from backend.domain.rights import Right

SHA256_PATTERN = r"^[0-9a-f]{64}$"
TITLE_MOST_CHARACTERS = 200
DESCRIPTION_MOST_CHARACTERS = 5_000
# In UTF-8 bytes, and so also in characters: the limit of file systems.
FILE_NAME_MOST_BYTES = 255
# Smaller than the header of any container: MP4's first box alone has 8 bytes and a brand.
VIDEO_LEAST_BYTES = 16
MINIATURE_MOST_WIDTH = 1280
# Twice the width, so that an upright 9:16 video may have the full width.
MINIATURE_MOST_HEIGHT = 2560
# A picture of 40 megapixels takes 160 MB once it is decoded.
PICTURE_MOST_PIXELS = 40_000_000


class UrlKind(StrEnum):
    VIDEO = "video"
    MINIATURE = "miniature"


@dataclass(frozen=True, slots=True)
class Container:
    """A video container we accept: its name, media type and file extension."""

    name: str
    media_type: str
    extension: str


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """Where an object is in the bucket; never made from anything a client sent."""

    value: str

    # In the order of their bytes.
    PREFIXES: ClassVar = ("miniatures/", "videos/")
    _UUID: ClassVar = "-".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12))
    _OURS: ClassVar = re.compile(
        rf"(?:videos/{_UUID}\.[0-9a-z]+|miniatures/{_UUID}\.jpg)"
    )

    @classmethod
    def parsed(cls, value: str) -> "ObjectKey | None":
        """None for a key that is not one of ours."""
        return cls(value) if cls._OURS.fullmatch(value) else None

    @classmethod
    def video(cls, blob_id: UUID, extension: str) -> "ObjectKey":
        return cls(f"videos/{blob_id}.{extension}")

    @classmethod
    def miniature(cls, blob_id: UUID) -> "ObjectKey":
        return cls(f"miniatures/{blob_id}.jpg")

    def __str__(self) -> str:
        return self.value


class FileName:
    """Makes a client's file name safe to show; it is never used as a path or a key."""

    # Control characters, and those that change the direction of text.
    _UNSHOWABLE = re.compile(
        r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    )

    # Longer than any that is in use, and short enough to leave room for a stem.
    _ENDING = re.compile(r"\.\w{1,15}\Z")
    # Normalising takes the square of the length. What is left is more than enough for
    # the name that is shown, and for an ending.
    _FIRST, _LAST = 960, 64

    @classmethod
    def shown(cls, raw: str, default: str = "video") -> str:
        """The last path segment, NFC, without controls, at most 255 bytes."""
        text = raw.encode("utf-8", "replace").decode()
        segment = re.split(r"[/\\]", text)[-1]
        name = cls._without_middle(cls._UNSHOWABLE.sub("", segment).strip())
        shown = cls._shortened(unicodedata.normalize("NFC", name))
        return shown if shown.strip(".") else default

    @classmethod
    def _without_middle(cls, name: str) -> str:
        if len(name) <= cls._FIRST + cls._LAST:
            return name
        return name[: cls._FIRST] + name[-cls._LAST :]

    @classmethod
    def _shortened(cls, name: str) -> str:
        """Shortened at the end of its stem if it is too long."""
        content = name.encode()
        if len(content) <= FILE_NAME_MOST_BYTES:
            return name
        found = cls._ENDING.search(name)
        ending = found[0] if found else ""
        room = FILE_NAME_MOST_BYTES - len(ending.encode())
        # A character that would be cut in two is removed completely.
        return content[:room].decode(errors="ignore") + ending

    @staticmethod
    def stem(shown: str) -> str:
        return PurePosixPath(shown).stem[:TITLE_MOST_CHARACTERS] or shown


@dataclass(frozen=True, slots=True)
class StagedFile:
    """Received bytes on disk; a new blob gets their name as its uuid.

    Only a `sealed` file is sure to survive a crash of the machine: no blob may depend
    on an unsealed one.
    """

    name: UUID
    size_bytes: int
    sha256: str
    sealed: bool = True


@dataclass(frozen=True, slots=True)
class NewMedia:
    """Everything the ledger needs to ingest a received video."""

    owner_id: UUID
    session_id: UUID
    title: str
    description: str
    file_name: str
    container: Container
    file: StagedFile
    request_id: str = ""
    picture: StagedFile | None = None


@dataclass(frozen=True, slots=True)
class NewMiniature:
    """A received picture that becomes the miniature of a media."""

    media_id: UUID
    user_id: UUID
    session_id: UUID
    file: StagedFile
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class MediaChange:
    """A change of the title or description of a media; None leaves a field as it is.

    It applies only if the media has one of `revisions`, or any revision if that is
    None.
    """

    media_id: UUID
    title: str | None = None
    description: str | None = None
    revisions: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Ingested:
    """How an ingest ended: `created` a media, or found the owner's media of these
    bytes.

    `healed`: that media had lost its bytes and is processed again. `changed` are all
    existing media that look different now, and `given_up` is the staged file that the
    received one replaced.
    """

    media_id: UUID
    blob_id: UUID
    created: bool
    deduplicated: bool
    keeps_staged_file: bool
    healed: bool = False
    changed: tuple[UUID, ...] = ()
    given_up: UUID | None = None


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What a job must know about the bytes it works on.

    `stored`: they were stored once, even if they were found missing since; `missing`:
    they were found missing.
    """

    uuid: UUID
    sha256: str
    size_bytes: int
    media_type: str
    object_key: ObjectKey
    staged_name: UUID
    stored: bool
    missing: bool = False


@dataclass(frozen=True, slots=True)
class OwnedMedia:
    """A media of an owner, and its bytes."""

    media_id: UUID
    blob: BlobRef


@dataclass(frozen=True, slots=True)
class Picture:
    """A miniature as it was made: a JPEG of ours, without any metadata.

    `made_with` names the libraries and their versions.
    """

    content: bytes = field(repr=False)
    width: int
    height: int
    made_with: str

    MEDIA_TYPE: ClassVar = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: read fresh from the database, never from the token."""

    user_id: UUID
    session_id: UUID
    email: str
    role: str
    rights: frozenset[Right]

    def has(self, right: Right) -> bool:
        return right in self.rights
