"""The bytes of an open file, read without moving its shared position.

Every read raises `StagingAway` where the disk fails.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from backend.adapters.disk import DiskErrors
from backend.adapters.stoppable_threads import Stop

if TYPE_CHECKING:
    from hashlib import _Hash

    from _typeshed import WriteableBuffer


class FileWindow(io.RawIOBase):
    """A part of the file as a stream of its own, for one request and its retries.

    `moved` counts every byte once, however often retries send it.
    """

    def __init__(
        self,
        descriptor: int,
        start: int,
        length: int,
        moved: Callable[[int], None],
        stop: Stop,
    ) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start = start
        self._length = length
        self._moved = moved
        self._stop = stop
        self._position = 0
        self._furthest = 0

    def __len__(self) -> int:
        return self._length

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        self._position = origin.get(whence, self._length) + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._stop.check()
        room = memoryview(buffer)[: max(self._length - self._position, 0)]
        with DiskErrors.translated():
            count = os.preadv(self._descriptor, [room], self._start + self._position)
        self._position += count
        if self._position > self._furthest:
            self._moved(self._position - self._furthest)
            self._furthest = self._position
        return count


class SourceFile:
    """A duplicate descriptor of an open file: it stays valid when the caller closes the
    original."""

    _BLOCK_BYTES: Final = 1024 * 1024

    def __init__(self, descriptor: int, stop: Stop) -> None:
        self._descriptor = os.dup(descriptor)
        self._stop = stop

    def close(self) -> None:
        os.close(self._descriptor)

    @property
    def size_bytes(self) -> int:
        with DiskErrors.translated():
            return os.fstat(self._descriptor).st_size

    def hash(self, start: int, length: int, into: "_Hash") -> bytes:
        """The SHA-256 of a part; the same bytes are also fed to `into`."""
        digest = hashlib.sha256()
        for block in self._blocks(start, start + length):
            digest.update(block)
            into.update(block)
        return digest.digest()

    def window(
        self, start: int, length: int, moved: Callable[[int], None]
    ) -> FileWindow:
        return FileWindow(self._descriptor, start, length, moved, self._stop)

    def _blocks(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            self._stop.check()
            length = min(self._BLOCK_BYTES, end - start)
            with DiskErrors.translated():
                block = os.pread(self._descriptor, length, start)
            if not block:
                return
            start += len(block)
            yield block
