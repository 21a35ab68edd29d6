"""Pictures are recognised and measured before anybody decodes them."""

import time

import pytest

from backend.domain.errors import TooManyPixels, UnreadablePicture
from backend.domain.pictures import Jpeg, PictureInspector, PictureSize, Png, WebP
from tests.pictures import Pictures

INSPECTOR = PictureInspector()
MEBIBYTE = 1 << 20
TAKEN = {
    "jpeg": Pictures.plain("JPEG"),
    "progressive jpeg": Pictures.plain("JPEG", progressive=True),
    "jpeg with secrets": Pictures.on_its_side(),
    "png": Pictures.plain("PNG"),
    "webp": Pictures.plain("WEBP"),
    "lossless webp": Pictures.plain("WEBP", lossless=True),
    "animated webp": Pictures.animated("WEBP"),
}
EMPTY_FRAME = bytes.fromhex("ffd8ffc0000b080000000001011100ffd9")


class TestRecognition:
    @pytest.mark.parametrize("content", TAKEN.values(), ids=list(TAKEN))
    def test_what_is_taken(self, content: bytes) -> None:
        assert INSPECTOR.recognises(content[: INSPECTOR.head_bytes])
        INSPECTOR.inspect(content)

    @pytest.mark.parametrize(
        "content",
        [
            Pictures.svg(),
            Pictures.zipped_svg(),
            Pictures.html(),
            Pictures.fits(),
            Pictures.animated("GIF"),
            b"",
            b"\xff\xd8",
            b"\x89PNG",
            b"BM" + bytes(60),
            b"RIFF\x00\x00\x00\x00AVI LIST",
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
            b"II*\x00\x08\x00\x00\x00" + bytes(60),
        ],
    )
    def test_what_is_not(self, content: bytes) -> None:
        assert not INSPECTOR.recognises(content[: INSPECTOR.head_bytes])
        with pytest.raises(UnreadablePicture):
            INSPECTOR.inspect(content)


class TestSize:
    @pytest.mark.parametrize(
        ("known", "content"),
        [
            (Jpeg(), Pictures.plain("JPEG", (322, 178))),
            (Png(), Pictures.plain("PNG", (322, 178))),
            (WebP(), Pictures.plain("WEBP", (322, 178))),
            (WebP(), Pictures.plain("WEBP", (322, 178), lossless=True)),
            (WebP(), Pictures.extended_webp(322, 178)),
        ],
        ids=["jpeg", "png", "webp", "lossless webp", "extended webp"],
    )
    def test_it_is_what_the_header_says(
        self, known: Jpeg | Png | WebP, content: bytes
    ) -> None:
        assert list(known.sizes(content)) == [PictureSize(322, 178)]

    def test_the_size_of_a_thumbnail_is_not_that_of_the_picture(self) -> None:
        thumbnail = Pictures.plain("JPEG", (16, 16))
        segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
        plain = Pictures.plain("JPEG", (322, 178))
        content = plain[:2] + segment + plain[2:]
        assert list(Jpeg().sizes(content)) == [PictureSize(322, 178)]

    @pytest.mark.parametrize(
        "content",
        [
            Pictures.png_of(30_000, 30_000),
            Pictures.png_of(40_000_001, 1),
            Pictures.png_of(2**32 - 1, 2**32 - 1),
            Pictures.extended_webp(16_000, 16_000),
            # A second frame header, larger than the first.
            EMPTY_FRAME[:2]
            + bytes.fromhex("ffc0000b080001000101011100")
            + bytes.fromhex("ffc2000b08ffffffff01011100ffd9"),
        ],
        ids=["30,000 squared", "wide", "largest", "webp", "second frame"],
    )
    def test_too_many_pixels(self, content: bytes) -> None:
        with pytest.raises(TooManyPixels):
            INSPECTOR.inspect(content)

    def test_as_many_as_are_taken(self) -> None:
        INSPECTOR.inspect(Pictures.png_of(8_000, 5_000))

    @pytest.mark.parametrize(
        "content",
        [Pictures.png_of(0, 100), Pictures.png_of(100, 0), EMPTY_FRAME],
    )
    def test_no_pixels(self, content: bytes) -> None:
        with pytest.raises(UnreadablePicture, match="no pixels"):
            INSPECTOR.inspect(content)


class TestCompleteness:
    @pytest.mark.parametrize("content", TAKEN.values(), ids=list(TAKEN))
    def test_cut_off_anywhere_it_is_refused(self, content: bytes) -> None:
        for length in range(INSPECTOR.head_bytes, len(content)):
            with pytest.raises(UnreadablePicture):
                INSPECTOR.inspect(content[:length])

    @pytest.mark.parametrize("content", TAKEN.values(), ids=list(TAKEN))
    def test_what_follows_the_end_does_not_matter(self, content: bytes) -> None:
        INSPECTOR.inspect(content + Pictures.html())

    def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(self) -> None:
        thumbnail = b"\xff\xe1\x00\x06\xff\xd9\xff\xd9"
        plain = Pictures.plain("JPEG")
        with pytest.raises(UnreadablePicture):
            INSPECTOR.inspect(plain[:2] + thumbnail + plain[2:-2])

    def test_a_marker_may_lie_across_the_searched_pieces(self) -> None:
        start = Pictures.plain("JPEG")[:-2]
        for length in range(64 * 1024 - 4, 64 * 1024 + 4):
            INSPECTOR.inspect(start + bytes(length) + b"\xff\xd9")


class TestHostileFiles:
    @pytest.mark.parametrize(
        "content",
        [
            b"\xff\xd8" + b"\xff" * (10 * MEBIBYTE),
            b"\xff\xd8\xff" + b"\xff\x00" * (5 * MEBIBYTE),
            b"\xff\xd8" + b"\xff\xe0\x00\x02" * (5 * MEBIBYTE // 2),
            Pictures.png_of(1, 1, Pictures.chunk(b"zTXt", b"") * (MEBIBYTE // 2)),
            b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(10 * MEBIBYTE),
        ],
        ids=["fill bytes", "stuffed", "segments", "chunks", "riff"],
    )
    def test_the_largest_costs_little_time(self, content: bytes) -> None:
        began = time.thread_time()
        with pytest.raises(UnreadablePicture):
            INSPECTOR.inspect(content)
        assert time.thread_time() - began < 1
