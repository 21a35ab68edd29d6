import fcntl
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path


class LockedFile:
    """Files under their `flock`, which shows that they are being received."""

    _CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW

    @classmethod
    def create(cls, path: Path) -> FileIO | None:
        """None if it was removed between its creation and its lock."""
        file = FileIO(os.open(path, cls._CREATE, 0o600), "wb")
        try:
            if cls.lock(file) and os.fstat(file.fileno()).st_nlink == 1:
                return file
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        file.close()
        return None

    @classmethod
    def remove(cls, path: Path) -> bool:
        """Whether it was removed; it stays while another process has it locked."""
        with (
            suppress(FileNotFoundError),
            # For writing, as NFS wants it for an exclusive lock.
            path.open("r+b", buffering=0) as file,
        ):
            if not cls.lock(file):
                return False
            path.unlink()
        return True

    @staticmethod
    def lock(file: FileIO) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
