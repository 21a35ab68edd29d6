"""Uploads that must be refused.

Where the words of the contract leave a choice, the reason stands beside the row.
"""

import gzip
import random
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from tests.e2e.http.bad_inputs.row import (
    CHECKSUM,
    CONTENT,
    EMPTY,
    INVALID,
    LARGE,
    METHOD,
    MULTIPART,
    NO_PATH,
    NOBODY,
    PICTURE,
    PIXELS,
    RIGHT,
    SYNTAX,
    TYPE,
    Row,
)
from tests.e2e.raw_upload import FORM, GOOD, VIDEO, RawUpload
from tests.e2e.videos import MEBIBYTE
from tests.fakes.clips import Clips
from tests.fakes.uploads import Multipart
from tests.pictures import Pictures

GIBIBYTE = 1024**3
TWO_GIB = RawUpload.unread(2 * GIBIBYTE)
EXPECTS = b"Expect: 100-continue"
CHUNKS = b"Transfer-Encoding: chunked"


class Sent:
    """Shapes of uploads."""

    DISPOSITION = 'Content-Disposition: form-data; name="video"; filename="clip.mp4"'

    @staticmethod
    def form(parts: Multipart) -> RawUpload:
        return RawUpload(parts.body())

    @classmethod
    def video(cls, content: bytes, file_name: str = "clip.mp4") -> RawUpload:
        return cls.form(Multipart().video(content, file_name))

    @classmethod
    def text(cls, name: str, value: str | bytes) -> RawUpload:
        return cls.form(Multipart().field(name, value).video(VIDEO))

    @classmethod
    def part(cls, *lines: str) -> RawUpload:
        """The video under a head of its own."""
        return cls.form(Multipart().part("\r\n".join(lines), VIDEO))

    @classmethod
    def encoded(cls, how: str) -> RawUpload:
        return cls.part(cls.DISPOSITION, f"Content-Transfer-Encoding: {how}")

    @staticmethod
    def typed(content_type: bytes | None, body: bytes = GOOD) -> RawUpload:
        return RawUpload(body, content_type)

    @staticmethod
    def bounded(boundary: bytes) -> RawUpload:
        return RawUpload(content_type=b"multipart/form-data" + boundary)

    @staticmethod
    def headed(*headers: bytes) -> RawUpload:
        return RawUpload(headers=headers)

    @staticmethod
    def lined(line: bytes, upload: RawUpload = TWO_GIB) -> RawUpload:
        return replace(upload, line=line)

    @classmethod
    def many(cls, count: int, name: str, *, as_files: bool = False) -> RawUpload:
        parts = Multipart()
        for number in range(count):
            if as_files:
                parts.file(name.format(number), "a.mp4", VIDEO)
            else:
                parts.field(name.format(number), "a")
        return cls.form(parts)


TRANSPORT = [
    Row("B1 unknown path", Sent.lined(b"POST /nope/ HTTP/1.1"), NO_PATH, role=""),
    Row("B1 no slash at the end", Sent.lined(b"POST /media HTTP/1.1"), NO_PATH),
    Row("B2 wrong method", Sent.lined(b"PUT /media/ HTTP/1.1"), METHOD),
    Row("B3 TRACE", Sent.lined(b"TRACE /media/ HTTP/1.1"), METHOD),
    Row("B3 CONNECT", Sent.lined(b"CONNECT /media/ HTTP/1.1"), METHOD),
    Row("B4 foreign host", RawUpload(host=b"evil.example"), SYNTAX),
    Row(
        "B6 address", Sent.lined(b"POST /media/?%s HTTP/1.1" % (b"a" * 65_536)), SYNTAX
    ),
    Row("B7 headers", RawUpload.unread(9, *[b"X-Same: a"] * 5_000), NOBODY, role=""),
    Row("B11 gzip", Sent.headed(b"Content-Encoding: gzip"), TYPE),
    Row("U16 two lengths", Sent.headed(b"Content-Length: 5"), SYNTAX),
    Row("U16 length and chunks", Sent.headed(CHUNKS), SYNTAX),
    Row("U16 negative length", RawUpload(declared=b"-1"), SYNTAX),
    Row("U16 length in hex", RawUpload(declared=b"0x10"), SYNTAX),
    Row("U16 endless length", RawUpload(declared=b"9" * 30), SYNTAX),
    Row("U16 no chunk size", RawUpload.in_chunks(b"zz\r\n" + GOOD), SYNTAX),
    Row("U16 endless chunk", RawUpload.in_chunks(b"f" * 17 + b"\r\n" + GOOD), SYNTAX),
    Row("U16 lying chunk", RawUpload.in_chunks(b"5\r\n" + GOOD), SYNTAX),
    Row("U16 other coding", Sent.headed(b"Transfer-Encoding: gzip"), SYNTAX),
    # Which of the two holds depends on who reads them.
    Row("U17 two types", Sent.headed(b"Content-Type: application/json"), TYPE),
    Row(
        "U17 two types turned",
        RawUpload(content_type=b"text/plain", headers=(b"Content-Type: " + FORM,)),
        TYPE,
    ),
    # A space to some, a byte of the type to others.
    Row("U17 a space that is none", Sent.typed(b"\xa0" + FORM), TYPE),
    Row("U17 folded header", Sent.headed(b"X-Folded: a\r\n b"), SYNTAX),
    Row("U17 NUL in a header", Sent.headed(b"X-Nul: a\0b"), SYNTAX),
    Row("HTTP/2 without a word", Sent.lined(b"PRI * HTTP/2.0"), SYNTAX),
]
BEFORE_THE_BODY = [
    Row("B28 no token", TWO_GIB, NOBODY, role=""),
    Row("B28 and waits", RawUpload.unread(2 * GIBIBYTE, EXPECTS), NOBODY, role=""),
    Row("B29 viewer", TWO_GIB, RIGHT, role="viewer"),
    Row("B31 declared too large", RawUpload.unread(60 * GIBIBYTE), LARGE),
    Row("B31 and waits", RawUpload.unread(60 * GIBIBYTE, EXPECTS), LARGE),
    Row("B35 large and JSON", Sent.typed(b"application/json", bytes(3_000_000)), LARGE),
]
FRAME = [
    Row("B33 no boundary", Sent.bounded(b""), MULTIPART),
    Row("B33 endless boundary", Sent.bounded(b"; boundary=" + b"x" * 300), MULTIPART),
    Row("B33 boundary not ASCII", Sent.bounded(b"; boundary=\xe4"), MULTIPART),
    Row("B33 type not ASCII", Sent.typed(b"\xff\xfe"), TYPE),
    Row("B33 other boundary", Sent.bounded(b"; boundary=other"), MULTIPART),
    Row("B34 not closed", RawUpload(Multipart().video(VIDEO).unclosed()), MULTIPART),
    Row("B34 cut in a head", RawUpload(GOOD[:60]), MULTIPART),
    Row("B34 cut in a chunk", RawUpload.chunked(GOOD[:-30], 7, 90), MULTIPART),
    Row("B34 nothing at all", RawUpload(b"", declared=b"0"), MULTIPART),
    Row("B34 preamble", RawUpload(b"A message of parts.\r\n" + GOOD), MULTIPART),
    Row("B34 line feeds", RawUpload(GOOD.replace(b"\r\n", b"\n")), MULTIPART),
    Row("B35 JSON", Sent.typed(b"application/json", b'{"title": "a"}'), TYPE),
    Row("B35 no type", Sent.typed(None), TYPE),
    Row("B35 the bare file", Sent.typed(b"video/mp4", VIDEO), TYPE),
    Row(
        "B35 a form of the web", Sent.typed(b"application/x-www-form-urlencoded"), TYPE
    ),
    Row("B35 other multipart", Sent.typed(FORM.replace(b"form-data", b"mixed")), TYPE),
    Row("B51 base64", Sent.encoded("base64"), MULTIPART),
    Row("B51 quoted-printable", Sent.encoded("Quoted-Printable"), MULTIPART),
    Row(
        "B52 parts in a part",
        Sent.part(Sent.DISPOSITION, "Content-Type: multipart/mixed; boundary=inner"),
        MULTIPART,
    ),
    Row("U18 headers", Sent.part(*[f"X-{n}: x" for n in range(10_000)]), MULTIPART),
    Row("U18 endless header", Sent.part("X: " + "x" * 200_000), MULTIPART),
    Row(
        "U18 no name",
        Sent.part('Content-Disposition: form-data; filename="a"'),
        MULTIPART,
    ),
    Row(
        "U18 no form", Sent.part('Content-Disposition: attachment; name="a"'), MULTIPART
    ),
    Row("U18 line feed", Sent.part(Sent.DISPOSITION + "\nX: y"), MULTIPART),
]
FIELDS = [
    Row("B36 no video", Sent.many(1, "title"), INVALID, field="video"),
    Row("B36 no part", Sent.form(Multipart()), INVALID, field="video"),
    Row("B36 video as text", Sent.text("video", VIDEO), INVALID, field="video"),
    Row("B37 two videos", Sent.many(2, "video", as_files=True), INVALID, field="video"),
    # The first part that does not belong is named; nobody counts to the end.
    Row("B38 101 files", Sent.many(101, "f{}", as_files=True), INVALID, field="f0"),
    Row("B38 1,001 fields", Sent.many(1_001, "f{}"), INVALID, field="f0"),
    Row("B38 a field twice", Sent.many(2, "title"), INVALID, field="title"),
    Row("B38 100 KB", Sent.text("title", "x" * 100_000), INVALID, field="title"),
    Row("B59 other checksum", Sent.text("sha256", "0" * 64), CHECKSUM),
    Row("B59 no checksum", Sent.text("sha256", "0" * 63), INVALID, field="sha256"),
    Row("B65 only spaces", Sent.text("title", "  \t "), INVALID, field="title"),
    Row("B65 10,000", Sent.text("title", "x" * 10_000), INVALID, field="title"),
    Row("B65 unseen", Sent.text("title", "\u200b\u200b"), INVALID, field="title"),
    Row("B65 NUL", Sent.text("title", "a\0b"), INVALID, field="title"),
    Row("B65 no UTF-8", Sent.text("title", b"\xff"), INVALID, field="title"),
]


class Contents:
    """What is sent as a video and is none."""

    @staticmethod
    def zipped() -> bytes:
        archive = BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("clip.mp4", VIDEO)
        return archive.getvalue()

    @classmethod
    def rows(cls) -> Iterator[Row]:
        for name, content in cls._kinds().items():
            yield Row(name, Sent.video(content), CONTENT)

    @classmethod
    def _kinds(cls) -> dict[str, bytes]:
        xml = '<?xml version="1.0"?>'
        away = "http://169.254.169.254/clip.mp4"
        return {
            "B41 noise": random.Random(41).randbytes(50_000),
            "B41 zeros": bytes(50_000),
            "B41 text": b"This is not a video. " * 100,
            "B41 HTML": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
            "B41 ZIP": cls.zipped(),
            "B41 gzip": gzip.compress(VIDEO),
            "B41 ELF": b"\x7fELF\x02\x01\x01" + bytes(200),
            "B41 program of Windows": b"MZ\x90\0" + bytes(200),
            "B41 script": b"#!/bin/sh\nrm -rf /\n",
            "B41 PDF": b"%PDF-1.7\n" + bytes(100),
            "B41 PNG": b"\x89PNG\r\n\x1a\n" + bytes(100),
            "B41 JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(100),
            "B41 HEIC": Clips.iso(b"heic", b"mif1"),
            "B41 sound in MP4": Clips.iso(b"M4A ", b"isom"),
            "B41 WAV": Clips.riff(b"WAVE"),
            "B41 MP3": b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\0" * 100,
            "B41 text before a video": b"\n" + VIDEO,
            "B42 HLS": f"#EXTM3U\n#EXTINF:10,\n{away}\n".encode(),
            "B42 DASH": f"{xml}<MPD><BaseURL>{away}</BaseURL></MPD>".encode(),
            "B42 ISM": f'{xml}<smil><video src="{away}"/></smil>'.encode(),
            "B42 F4M": f'{xml}<manifest><media url="{away}"/></manifest>'.encode(),
            "B42 DCP": f"{xml}<AssetMap><Path>{away}</Path></AssetMap>".encode(),
            "B42 SVG": f'<svg><image href="{away}"/></svg>'.encode(),
            "B42 concat list": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
            "B42 SDP": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
        }


CONTENTS = [
    Row("B40 no byte", Sent.video(b""), EMPTY),
    Row("B40 three bytes", Sent.video(VIDEO[:3]), EMPTY),
    # What a browser sends when nobody chose a file.
    Row("B47 no file chosen", Sent.video(b"", ""), EMPTY),
    *Contents.rows(),
]


class PictureRows:
    """Files that are sent as miniatures and are none."""

    TOO_LARGE = Pictures.plain("PNG") + bytes(10 * MEBIBYTE)
    KINDS = {
        "B53 SVG": (Pictures.svg(), "a.svg", CONTENT),
        "B53 SVG named PNG": (Pictures.svg(), "a.png", CONTENT),
        "B53 zipped SVG": (Pictures.zipped_svg(), "a.svgz", CONTENT),
        "B54 HTML": (Pictures.html(), "a.jpg", CONTENT),
        "B56 pixels": (Pictures.png_of(30_000, 30_000), "a.png", PIXELS),
        "B56 animated GIF": (Pictures.animated("GIF"), "a.gif", CONTENT),
        "B56 FITS": (Pictures.fits(), "a.fits", CONTENT),
        "B57 truncated": (
            Pictures.plain("JPEG", (640, 360))[:-900],
            "a.jpg",
            PICTURE,
        ),
        "B57 empty": (b"", "a.jpg", EMPTY),
        "B58 too large": (TOO_LARGE, "a.png", LARGE),
    }
    LINES = (b"POST /media/ HTTP/1.1", b"PUT /media/<own>/miniature/ HTTP/1.1")

    @classmethod
    def rows(cls) -> Iterator[Row]:
        for id_, (content, file_name, refusal) in cls.KINDS.items():
            for line in cls.LINES:
                parts = Multipart().file("miniature", file_name, content)
                if line.startswith(b"POST"):
                    parts.video(VIDEO)
                sent = Sent.lined(line, Sent.form(parts))
                yield Row(f"{id_} {line[:4].decode().strip()}", sent, refusal)


UPLOADS = [
    *TRANSPORT,
    *BEFORE_THE_BODY,
    *FRAME,
    *FIELDS,
    *CONTENTS,
    *PictureRows.rows(),
]
