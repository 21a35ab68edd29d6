"""A large video whose bytes nobody has sent before."""

import hashlib
import os
from pathlib import Path

from backend.embedded.clip import Clip

MEBIBYTE = 1024**2


class LargeVideo:
    """A clip with a box behind it that players skip, filled up to the wanted size."""

    _HEAD_BYTES = 16

    def __init__(self, path: Path, size_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self._start = 0

    def make(self) -> None:
        Clip(seconds=2.0).make(self.path)
        self._start = self.path.stat().st_size
        box = self.size_bytes - self._start
        noise = os.urandom(8 * MEBIBYTE)
        with self.path.open("ab") as file:
            # A size of 1 says that the real one follows in 64 bits.
            file.write((1).to_bytes(4, "big") + b"free" + box.to_bytes(8, "big"))
            left = box - self._HEAD_BYTES
            while left > 0:
                left -= file.write(noise[:left])

    def renew(self) -> str:
        """Other bytes at the start and at the end; answers the sha256 of all of them."""
        with self.path.open("r+b") as file:
            for place in (self._start + self._HEAD_BYTES, self.size_bytes - 8):
                file.seek(place)
                file.write(os.urandom(8))
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()
