"""Real videos that nobody has uploaded before."""

import itertools
import os
from pathlib import Path

from backend.embedded.clip import Clip

MEBIBYTE = 1024**2


class Videos:
    """Makes a clip once; every video is that clip with a tail of its own length.

    What follows the boxes of an MP4 is one more box, `free`, which players skip.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._clip = folder / "clip.mp4"
        Clip(seconds=2.0).make(self._clip)

    def new(self, size_bytes: int = 0, block: bytes = bytes(MEBIBYTE)) -> Path:
        """A video with bytes of its own, of at least this size, filled up with a block."""
        number = next(self._numbers)
        path = self._folder / f"video-{number}.mp4"
        content = self._clip.read_bytes()
        tail = max(64, size_bytes - len(content)) + number
        whole, rest = divmod(tail, len(block))
        with path.open("wb") as file:
            file.write(content)
            file.write((tail + 16).to_bytes(4, "big") + b"free")
            file.write(f"{number:08d}".encode())
            for _ in range(whole):
                file.write(block)
            file.write(bytes(rest))
        return path

    def noise(self, size_bytes: int) -> Path:
        """One that no store can make smaller, and whose mebibytes all differ."""
        return self.new(size_bytes, os.urandom(MEBIBYTE + 1))

    def renew(self, video: Path) -> None:
        """Give the video other bytes of its own at its end; its size stays."""
        number = f"{next(self._numbers):08d}".encode()
        with video.open("r+b") as file:
            file.seek(-len(number), os.SEEK_END)
            file.write(number)
