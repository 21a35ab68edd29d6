"""Counts what is asked of the disk."""

import os
import threading
from types import FrameType
from typing import Any, Self


class Fsyncs:
    """Counts the fsyncs of threads that start inside the block; nothing is replaced."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        threading.setprofile(self._seen)
        return self

    def __exit__(self, *_: object) -> None:
        threading.setprofile(None)

    def _seen(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and argument is os.fsync:
            self.count += 1
