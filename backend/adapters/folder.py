import errno
import os
import tempfile
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from backend.adapters.disk_file import DiskFile
from backend.domain.errors import StorageFull


class Folder:
    """The folder itself: made on first use, never filled below the floor."""

    def __init__(self, path: Path, floor_bytes: int) -> None:
        self._path = path
        self._floor_bytes = floor_bytes

    def path_of(self, name: UUID) -> Path:
        return self._path / str(name)

    def make(self) -> None:
        self._make(self._path)
        if not self._path.is_dir():
            raise NotADirectoryError(
                errno.ENOTDIR, "it is not a folder", str(self._path)
            )
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "it is not writable", str(self._path))

    def check_room(self, size_bytes: int) -> None:
        volume = os.statvfs(self._path)
        if volume.f_bavail * volume.f_frsize - size_bytes < self._floor_bytes:
            raise StorageFull(f"Staging has no room for {size_bytes} bytes more.")

    def nameless(self) -> BinaryIO:
        """A new file that vanishes when its caller closes it."""
        with tempfile.TemporaryFile(dir=self._path, buffering=0) as file:
            return BufferedRandom(DiskFile(os.dup(file.fileno()), "r+b"))

    def sync(self) -> None:
        self._sync(self._path)

    def _make(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            return
        except FileNotFoundError:
            self._make(path.parent)
            self._make(path)
        else:
            self._sync(path.parent)

    @staticmethod
    def _sync(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
