"""Places in our code at which a fault test can kill the process."""

import os
import signal
from pathlib import Path
from typing import ClassVar


class Failpoints:
    """Named moments between two steps that a crash must not be able to separate.

    Off, and free, unless a folder is set (`FAILPOINTS_DIR`). The first process that
    gets there takes the file `NAME` or `NAME@KEY` in it and dies as by `kill -9`: so
    each file kills once, however many processes there are. A file with the content
    `always` stays.
    """

    _folder: ClassVar[Path | None] = None

    @classmethod
    def arm(cls, folder: Path | None) -> None:
        cls._folder = folder

    @classmethod
    def reach(cls, name: str, key: object = "") -> None:
        """Dies here if a test has requested it for all processes, or for this key."""
        if cls._folder is None:
            return
        for wanted in (cls._folder / name, cls._folder / f"{name}@{key}"):
            if cls._is_taken(wanted):
                os.kill(os.getpid(), signal.SIGKILL)

    @staticmethod
    def _is_taken(file: Path) -> bool:
        try:
            if file.read_text().strip() != "always":
                file.unlink()
        except FileNotFoundError:
            return False
        return True
