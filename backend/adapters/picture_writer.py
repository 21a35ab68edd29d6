"""How a child that makes a picture ends: part of `picture_child.py` and `frame_child.py`."""

import io
import json
import os
import sys
from typing import Final, NoReturn

from PIL import Image

from backend.domain.media import MINIATURE_MOST_HEIGHT, MINIATURE_MOST_WIDTH

Size = tuple[int, int]


class PictureWriter:
    """Shrinks a picture, writes it to standard output as a JPEG and ends the process.

    What is written is one line of JSON, and the JPEG if there is one.
    """

    MOST_BYTES: Final = 2 * 1024 * 1024
    # Noise of the full size fits with the last one at the latest.
    _QUALITIES: Final = (85, 70, 50, 30)

    def __init__(self, made_with: str) -> None:
        self._made_with = made_with

    @staticmethod
    def fitting(width: float, height: float) -> Size:
        """The size of the miniature: the same proportions, and never larger."""
        scale = min(1, MINIATURE_MOST_WIDTH / width, MINIATURE_MOST_HEIGHT / height)
        return max(round(width * scale), 1), max(round(height * scale), 1)

    def write(self, image: Image.Image) -> NoReturn:
        """Copies only the pixels of an RGB image, never its metadata."""
        size = self.fitting(*image.size)
        shrunk = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3)
        clean = Image.new("RGB", size)
        clean.paste(shrunk)
        said = {"width": size[0], "height": size[1], "made_with": self._made_with}
        self._end(json.dumps(said).encode() + b"\n" + self._encoded(clean))

    def refuse(self, reason: str) -> NoReturn:
        """There is no readable picture."""
        self._end(json.dumps({"unreadable": reason[:300]}).encode() + b"\n")

    @classmethod
    def _encoded(cls, image: Image.Image) -> bytes:
        for quality in cls._QUALITIES:
            target = io.BytesIO()
            image.save(target, "JPEG", quality=quality, optimize=True)
            if target.tell() <= cls.MOST_BYTES:
                break
        return target.getvalue()

    @staticmethod
    def _end(output: bytes) -> NoReturn:
        sys.stdout.buffer.write(output)
        sys.stdout.flush()
        # The rest of the shutdown costs time and is useless.
        os._exit(0)
