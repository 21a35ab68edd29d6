"""A descriptor as a file, for programs that share it with the process that opened
it."""

import os
from typing import Final


class SeekableInput:
    """Has a position of its own; that of the descriptor is neither used nor moved."""

    mode: Final = "rb"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}
        self._position = max(origin.get(whence, self._size) + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        wanted = size if size >= 0 else max(self._size - self._position, 0)
        data = os.pread(self._descriptor, wanted, self._position)
        self._position += len(data)
        return data

    @property
    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size
