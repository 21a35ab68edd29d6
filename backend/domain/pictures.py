"""The pictures we take as miniatures, recognised and measured without decoding them.

Only headers are read and lengths are followed, in one pass over a file of bounded size;
decoding happens in a child process. Bytes after the end of the picture do not matter,
as they never leave staging.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from backend.domain.errors import TooManyPixels, UnreadablePicture
from backend.domain.media import PICTURE_MOST_PIXELS

# Real files have some hundreds; a file of nothing but empty pieces would take long.
MOST_PIECES = 20_000


class PictureSize(NamedTuple):
    """In pixels, as the header says."""

    width: int
    height: int


class PictureFormat(ABC):
    """One kind of picture file."""

    @abstractmethod
    def recognises(self, head: bytes) -> bool: ...

    @abstractmethod
    def sizes(self, content: bytes) -> Iterator[PictureSize]:
        """Each size that the file declares; read to its end, the file is complete.

        Raises `UnreadablePicture`.
        """

    @staticmethod
    def _slice(content: bytes, start: int, length: int) -> bytes:
        """Raises `UnreadablePicture` if the file ends before."""
        if start + length > len(content):
            raise UnreadablePicture("The picture ends before its data does.")
        return content[start : start + length]


class Jpeg(PictureFormat):
    """Segments that begin with a marker, then scans without a declared length."""

    _SIGNATURE = b"\xff\xd8\xff"
    # A marker that is neither padding, nor a stuffed byte, nor allowed inside a scan.
    _MARKER = re.compile(rb"\xff[^\x00\x01\xff\xd0-\xd8]")
    _END = 0xD9
    # SOF0 to SOF15 without DHT, JPG and DAC, whose numbers lie between.
    _FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
    # No other thread runs during a search, so each must be short.
    _SEARCHED_BYTES = 64 * 1024

    def recognises(self, head: bytes) -> bool:
        return head.startswith(self._SIGNATURE)

    def sizes(self, content: bytes) -> Iterator[PictureSize]:
        at = 2
        for _ in range(MOST_PIECES):
            at = self._after_marker(content, at)
            kind = content[at - 1]
            if kind == self._END:
                return
            if kind in self._FRAMES:
                yield self._size(self._slice(content, at, 7))
            at += int.from_bytes(self._slice(content, at, 2), "big")
        raise UnreadablePicture("The picture has too many segments.")

    def _after_marker(self, content: bytes, at: int) -> int:
        while at < len(content):
            end = at + self._SEARCHED_BYTES
            if found := self._MARKER.search(content, at, end + 1):
                return found.end()
            at = end
        raise UnreadablePicture("The picture ends before its data does.")

    @staticmethod
    def _size(frame: bytes) -> PictureSize:
        """Behind length and precision of the frame header."""
        return PictureSize(
            width=int.from_bytes(frame[5:7], "big"),
            height=int.from_bytes(frame[3:5], "big"),
        )


class Png(PictureFormat):
    """Chunks with a length, of which IHDR is the first and IEND the last."""

    _SIGNATURE = b"\x89PNG\r\n\x1a\n"
    _HEADER, _END = b"\x00\x00\x00\x0dIHDR", b"IEND"
    # Length and type before the data, a checksum behind it.
    _AROUND = 12

    def recognises(self, head: bytes) -> bool:
        return head.startswith(self._SIGNATURE)

    def sizes(self, content: bytes) -> Iterator[PictureSize]:
        at = len(self._SIGNATURE)
        header = self._slice(content, at, 16)
        if not header.startswith(self._HEADER):
            raise UnreadablePicture("The picture has no header.")
        yield PictureSize(
            width=int.from_bytes(header[8:12], "big"),
            height=int.from_bytes(header[12:16], "big"),
        )
        self._check_end(content, at)

    def _check_end(self, content: bytes, at: int) -> None:
        for _ in range(MOST_PIECES):
            start = self._slice(content, at, 8)
            at += self._AROUND + int.from_bytes(start[:4], "big")
            if start[4:] == self._END:
                self._slice(content, at, 0)
                return
        raise UnreadablePicture("The picture has too many chunks.")


class WebP(PictureFormat):
    """A RIFF file whose first chunk says which of three kinds it is."""

    _HEAD_BYTES = 12

    def recognises(self, head: bytes) -> bool:
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"

    def sizes(self, content: bytes) -> Iterator[PictureSize]:
        self._slice(content, 8, int.from_bytes(content[4:8], "little"))
        kind = self._slice(content, self._HEAD_BYTES, 4)
        data = self._slice(content, self._HEAD_BYTES + 8, 10)
        if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
            yield PictureSize(self._low_14_bits(data[6:8]), self._low_14_bits(data[8:]))
        elif kind == b"VP8L" and data[:1] == b"\x2f":
            yield self._lossless(int.from_bytes(data[1:5], "little"))
        elif kind == b"VP8X":
            yield PictureSize(self._one_less(data[4:7]), self._one_less(data[7:]))
        else:
            raise UnreadablePicture("The picture has no header.")

    @staticmethod
    def _low_14_bits(number: bytes) -> int:
        return int.from_bytes(number, "little") & 0x3FFF

    @staticmethod
    def _lossless(bits: int) -> PictureSize:
        return PictureSize((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)

    @staticmethod
    def _one_less(number: bytes) -> int:
        return int.from_bytes(number, "little") + 1


class PictureInspector:
    """Recognises a picture that we accept; `head_bytes` are enough."""

    head_bytes = 12

    _FORMATS: tuple[PictureFormat, ...] = (Jpeg(), Png(), WebP())

    def recognises(self, head: bytes) -> bool:
        return any(known.recognises(head) for known in self._FORMATS)

    def inspect(self, content: bytes) -> None:
        """Blocking. Raises `UnreadablePicture`, `TooManyPixels`."""
        head = content[: self.head_bytes]
        sizes = [
            self._checked(size)
            for known in self._FORMATS
            if known.recognises(head)
            for size in known.sizes(content)
        ]
        if not sizes:
            raise UnreadablePicture("The picture has no header.")

    @staticmethod
    def _checked(size: PictureSize) -> PictureSize:
        if not (size.width and size.height):
            raise UnreadablePicture("The picture has no pixels.")
        if size.width * size.height > PICTURE_MOST_PIXELS:
            raise TooManyPixels(
                f"The picture has {size.width} x {size.height} pixels; "
                f"{PICTURE_MOST_PIXELS:,} are taken."
            )
        return size
