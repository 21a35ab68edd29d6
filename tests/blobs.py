import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

from backend.domain.media import BlobRef, ObjectKey


class BlobMaker:
    """Makes blobs of given bytes, each with a file that holds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self, content: bytes, uuid: UUID | None = None) -> BlobRef:
        name = uuid or uuid4()
        return BlobRef(
            uuid=name,
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            media_type="video/mp4",
            object_key=ObjectKey.video(name, "mp4"),
            staged_name=name,
            stored=False,
        )

    @contextmanager
    def opened(self, content: bytes) -> Iterator[BinaryIO]:
        path = self._folder / uuid4().hex
        path.write_bytes(content)
        with path.open("rb") as file:
            yield file
