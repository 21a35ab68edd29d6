"""The file that a blob is sent from, and the proof that it has the blob's bytes."""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

from backend.adapters.source_file import SourceFile
from backend.adapters.stoppable_threads import Stop
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef


class BlobSource:
    """Hashes the whole file while sending it, part by part.

    Raises `JobFailed` with `staged_file_missing` if it is not what was received: that
    is not the store's fault, and another attempt would read the same.
    """

    def __init__(self, blob: BlobRef, source: BinaryIO) -> None:
        self._blob = blob
        self._source = source
        self._whole = hashlib.sha256()

    @contextmanager
    def opened(self, stop: Stop) -> Iterator[SourceFile]:
        with closing(SourceFile(self._source.fileno(), stop)) as file:
            if file.size_bytes != self._blob.size_bytes:
                raise self._damaged("has another size than was received")
            yield file

    def hash(self, file: SourceFile, start: int, length: int) -> bytes:
        """The SHA-256 of a part; each byte of the file must be hashed once, in order."""
        return file.hash(start, length, self._whole)

    def check(self) -> None:
        """Once all of it has been hashed."""
        if self._whole.hexdigest() != self._blob.sha256:
            raise self._damaged("has other bytes than were received")

    def _damaged(self, seen: str) -> JobFailed:
        return JobFailed(
            FailureCode.STAGED_FILE_MISSING,
            f"{self._blob.object_key} is not stored: the staged file {seen}",
        )
