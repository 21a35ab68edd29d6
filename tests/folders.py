"""Looks at a folder of the disk, for tests."""

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Looked:
    """What is in a folder, and what it is like."""

    @staticmethod
    def names(folder: Path) -> set[str]:
        return {path.name for path in folder.iterdir()}

    @staticmethod
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    @staticmethod
    def free_bytes(folder: Path) -> int:
        volume = os.statvfs(folder)
        return volume.f_bavail * volume.f_frsize

    @staticmethod
    def open_descriptors() -> set[str]:
        return {path.name for path in Path("/proc/self/fd").iterdir()}

    @staticmethod
    @contextmanager
    def sparse(path: Path, size: int) -> Iterator[memoryview]:
        """So many zeros that nobody stored."""
        with path.open("w+b") as file:
            file.truncate(size)
            with (
                mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as mapped,
                memoryview(mapped) as view,
            ):
                yield view


# Every read at its beginning fails with EIO, as that of a bad disk.
UNREADABLE = Path("/proc/self/mem")
