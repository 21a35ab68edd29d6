"""Pictures of every kind, made with Pillow or by hand."""

import gzip
import io
import struct
import zlib
from typing import Any

from PIL import Image, TiffImagePlugin

RED, WHITE, BLUE = (200, 20, 30), (255, 255, 255), (20, 30, 200)
Colour = tuple[int, int, int]


class Pictures:
    """Each method makes the bytes of one file."""

    @staticmethod
    def plain(
        kind: str,
        size: tuple[int, int] = (64, 48),
        colour: Colour = RED,
        **wishes: Any,
    ) -> bytes:
        return Pictures._saved(Image.new("RGB", size, colour), kind, **wishes)

    @staticmethod
    def of_mode(mode: str, kind: str) -> bytes:
        return Pictures._saved(Image.new("RGB", (64, 48), RED).convert(mode), kind)

    @staticmethod
    def grey_16_bit(value: int) -> bytes:
        return Pictures._saved(Image.new("I;16", (64, 48), value), "PNG")

    @staticmethod
    def transparent_palette() -> bytes:
        picture = Image.new("P", (64, 48), 0)
        picture.putpalette([*RED, *BLUE])
        picture.paste(1, (0, 0, 32, 48))
        return Pictures._saved(picture, "PNG", transparency=0)

    @staticmethod
    def animated(kind: str) -> bytes:
        first, *rest = (Image.new("RGB", (64, 48), colour) for colour in (RED, BLUE))
        return Pictures._saved(first, kind, save_all=True, append_images=rest)

    @staticmethod
    def on_its_side() -> bytes:
        """To be shown turned clockwise, so that red is above blue; and full of secrets."""
        picture = Image.new("RGB", (64, 48), RED)
        picture.paste(BLUE, (32, 0, 64, 48))
        return Pictures._saved(
            picture,
            "JPEG",
            exif=Pictures.secrets(),
            comment="SECRET",
            icc_profile=b"SECRET" * 50,
        )

    @staticmethod
    def secrets() -> Image.Exif:
        """Camera, place and day of a picture to be shown turned clockwise."""
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010F] = "SECRET camera"
        place = exif.get_ifd(0x8825)
        place[1], place[2] = "N", (TiffImagePlugin.IFDRational(48),) * 3
        place[29] = "SECRET day"
        return exif

    @staticmethod
    def pixel_bomb(side: int = 30_000) -> bytes:
        """A complete PNG of one bit a pixel: 110 KB that become 112 MB and more."""
        packer, row = zlib.compressobj(1), bytes(1 + side // 8 + 1)
        rows = b"".join(packer.compress(row * 1000) for _ in range(side // 1000))
        header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n"
            + Pictures.chunk(b"IHDR", header)
            + Pictures.chunk(b"IDAT", rows + packer.flush())
            + Pictures.chunk(b"IEND", b"")
        )

    @staticmethod
    def png_of(width: int, height: int, chunks: bytes = b"") -> bytes:
        """The frame of a PNG, whatever is in it."""
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n"
            + Pictures.chunk(b"IHDR", header)
            + chunks
            + Pictures.chunk(b"IEND", b"")
        )

    @staticmethod
    def extended_webp(width: int, height: int) -> bytes:
        """The header of a WebP that may have more than a picture in it."""
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        content = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas
        return b"RIFF" + struct.pack("<I", len(content)) + content

    @staticmethod
    def polyglot() -> bytes:
        """A PNG that a browser may take for a page."""
        script = b"<script>alert(1)</script>"
        whole = Pictures.plain("PNG")
        text = Pictures.chunk(b"tEXt", b"Comment\0" + script)
        return whole[:33] + text + whole[33:] + b"<html>" + script

    @staticmethod
    def svg() -> bytes:
        return (
            b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
            b"<script>alert(1)</script></svg>"
        )

    @staticmethod
    def zipped_svg() -> bytes:
        return gzip.compress(Pictures.svg())

    @staticmethod
    def html() -> bytes:
        return b"<!doctype html><script>alert(1)</script>"

    @staticmethod
    def fits() -> bytes:
        cards = ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 9", "END")
        return "".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes(
            99
        )

    @staticmethod
    def _saved(picture: Image.Image, kind: str, **wishes: Any) -> bytes:
        target = io.BytesIO()
        picture.save(target, kind, **wishes)
        return target.getvalue()

    @staticmethod
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        length = len(content)
        return struct.pack(">I", length) + kind + content + struct.pack(">I", check)
