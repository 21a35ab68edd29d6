"""Looks a JPEG over without decoding it. Standard library only."""

import re
from typing import Final


class NotPlainJpeg(Exception):
    """The bytes are not a JPEG, or contain more than a picture."""


class PlainJpeg:
    """A baseline JPEG of one scan with nothing but the picture: no Exif, no comment.

    Raises `NotPlainJpeg`. Whether the scan can be decoded is not known.
    """

    _START: Final = b"\xff\xd8"
    _END: Final = b"\xff\xd9"
    # JFIF header, tables of quantisation and Huffman codes, restart interval.
    _ALLOWED: Final = frozenset({0xE0, 0xDB, 0xC4, 0xDD})
    _FRAME: Final = 0xC0
    _SCAN: Final = 0xDA
    # In a scan, FF before a zero byte is data, and restart markers are allowed.
    _MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7]")
    _JFIF_BYTES: Final = 16

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.width, self.height = 0, 0
        if not content.startswith(self._START):
            raise NotPlainJpeg("It does not begin like a JPEG")
        scan = self._read_header(len(self._START))
        marker = self._MARKER.search(content, scan)
        if not self.width or marker is None or content[marker.start() :] != self._END:
            raise NotPlainJpeg("It does not end where its only scan does")

    def _read_header(self, at: int) -> int:
        """Returns where the scan begins."""
        while self._content[at : at + 1] == b"\xff" and at + 4 <= len(self._content):
            kind = self._content[at + 1]
            length = int.from_bytes(self._content[at + 2 : at + 4], "big")
            self._read_segment(kind, self._content[at + 4 : at + 2 + length])
            at += 2 + max(length, 2)
            if kind == self._SCAN:
                return at
        raise NotPlainJpeg("It has no scan")

    def _read_segment(self, kind: int, content: bytes) -> None:
        if kind == self._FRAME:
            self.height = int.from_bytes(content[1:3], "big")
            self.width = int.from_bytes(content[3:5], "big")
        elif kind not in self._ALLOWED and kind != self._SCAN:
            raise NotPlainJpeg(f"It has a segment {kind:02x}")
        elif kind == 0xE0 and len(content) + 2 != self._JFIF_BYTES:
            raise NotPlainJpeg("Its JFIF header has a picture of its own")
