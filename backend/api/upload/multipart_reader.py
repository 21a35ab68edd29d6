"""Reads `multipart/form-data` as it arrives (RFC 7578)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeAlias
from urllib.parse import unquote

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from backend.api.http.refusals import MalformedMultipart
from backend.domain.errors import UnsupportedType


@dataclass(frozen=True, slots=True)
class PartHead:
    """What the headers of a part say; a part with a `file_name` is a file."""

    name: str
    file_name: str | None
    charset: str

    _MOST_SHOWN_CHARACTERS: ClassVar = 64

    @property
    def shown_name(self) -> str:
        """For a refusal that names the part."""
        return self.name[: self._MOST_SHOWN_CHARACTERS]


# The head of a part, then its bytes in pieces, then None.
PartEvent: TypeAlias = PartHead | bytes | None


class Boundary:
    """The boundary that a Content-Type header declares."""

    # RFC 2046 with more length: it allows 70 characters.
    _ALLOWED = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]")
    _MOST_HEADER_CHARACTERS = 1_000

    @classmethod
    def declared_by(cls, content_type: str) -> bytes:
        """Raises `UnsupportedType`, `MalformedMultipart`."""
        header = content_type[: cls._MOST_HEADER_CHARACTERS]
        kind, options = parse_options_header(header)
        if kind != "multipart/form-data":
            raise UnsupportedType("Send the form as multipart/form-data.")
        boundary: str = options.get("boundary", "")
        if not cls._ALLOWED.fullmatch(boundary):
            raise MalformedMultipart("The boundary is missing or not allowed.")
        return boundary.encode()


class ExtendedFileName:
    """`filename*=UTF-8''…` (RFC 8187), which some clients send though RFC 7578 does not
    want it: it wins over `filename`, which then is only an approximation."""

    # An open quote runs to the end, or each of many would be looked at to the end.
    _QUOTED = re.compile(r'"(?:\\.|[^"\\])*(?:"|\\?\Z)')
    _VALUE = re.compile(
        r";\s*filename\*\s*=\s*(utf-8|iso-8859-1)'[^']*'([^;\s]+)", re.IGNORECASE
    )

    @classmethod
    def of(cls, disposition: str) -> str | None:
        # What stands in quotes is a value, whatever it looks like.
        found = cls._VALUE.search(cls._QUOTED.sub('""', disposition))
        if not found:
            return None
        charset, value = found.groups()
        try:
            return unquote(value, charset, "strict")
        except UnicodeDecodeError:
            return None


class PartHeadReader:
    """Judges the headers of a part."""

    # Above all a line feed without its carriage return, which others take for a line end.
    _CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
    _PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})

    def read(self, segment: MultipartSegment) -> PartHead:
        """Raises `MalformedMultipart`."""
        if any(self._CONTROL.search(value) for _, value in segment.headerlist):
            raise MalformedMultipart("A part header has a control character.")
        if not segment.name:
            raise MalformedMultipart("A part has no name.")
        if (segment.content_type or "").startswith("multipart/"):
            raise MalformedMultipart("A part must not be multipart itself.")
        encoding = segment.header("Content-Transfer-Encoding", "").strip().lower()
        if encoding not in self._PLAIN_ENCODINGS:
            raise MalformedMultipart("Content-Transfer-Encoding is not supported.")
        charset = (segment.charset or "utf-8").lower()
        return PartHead(self._text(segment.name), self._file_name(segment), charset)

    def _file_name(self, segment: MultipartSegment) -> str | None:
        extended = ExtendedFileName.of(segment.header("Content-Disposition", ""))
        if extended is not None or segment.filename is None:
            return extended
        return self._text(segment.filename)

    @staticmethod
    def _text(value: str) -> str:
        """The parser reads headers as Latin-1 so that no name of a file is refused."""
        return value.encode("latin-1").decode("utf-8", "replace")


class MultipartReader:
    """Turns pieces of a body into parts, however the body is cut into pieces.

    The parser's strict mode is not used: it refuses a line break after the closing
    boundary if that comes in a piece of its own, which network timing decides. What it
    refuses else is refused here: a body that does not begin with the boundary (a wrong
    boundary would have the whole body skipped as a preamble) and parts without a name.
    """

    _MOST_PARTS = 16
    _MOST_PART_HEADERS = 8
    # Names of files are shortened, not refused, so there is room for long ones.
    _MOST_HEADER_BYTES = 32 * 1024

    def __init__(self, boundary: bytes) -> None:
        self._heads = PartHeadReader()
        self._first_line = b"--" + boundary
        self._opening: bytes | None = b""
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=self._MOST_HEADER_BYTES,
            max_header_count=self._MOST_PART_HEADERS,
            max_segment_count=self._MOST_PARTS,
            header_charset="latin-1",
        )

    def parse(self, piece: bytes) -> Iterator[PartEvent]:
        """Raises `MalformedMultipart`; to be read to its end before the next piece."""
        opened = self._opened(piece)
        if not opened:
            return
        with self._translated():
            for event in self._parser.parse(opened):
                if isinstance(event, MultipartSegment):
                    yield self._heads.read(event)
                else:
                    yield event

    def finish(self) -> None:
        """Raises `MalformedMultipart` unless the closing boundary was there."""
        with self._translated():
            self._parser.close()

    def _opened(self, piece: bytes) -> bytes:
        """The piece, or nothing until enough is there to see the first boundary."""
        if self._opening is None:
            return piece
        self._opening += piece
        start = self._opening.removeprefix(b"\r\n")
        if start.startswith(self._first_line):
            opened, self._opening = self._opening, None
            return opened
        if not self._first_line.startswith(start) and self._opening != b"\r":
            raise MalformedMultipart("The body does not begin with the boundary.")
        return b""

    @staticmethod
    @contextmanager
    def _translated() -> Iterator[None]:
        try:
            yield
        except MultipartError as error:
            raise MalformedMultipart(f"{error.args[0]}.") from error
