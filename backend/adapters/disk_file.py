from io import FileIO
from typing import TYPE_CHECKING

from backend.adapters.disk import DiskErrors

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class DiskFile(FileIO):
    """Raises `StorageFull` and `StagingAway` where the disk fails; to be buffered."""

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        with DiskErrors.translated():
            return super().readinto(buffer)

    def readall(self) -> bytes:
        with DiskErrors.translated():
            return super().readall()

    def write(self, buffer: "ReadableBuffer", /) -> int:
        with DiskErrors.translated():
            return super().write(buffer)
