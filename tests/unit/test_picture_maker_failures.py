import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from backend.adapters.child_process import ChildLimits, ResourceLimits
from backend.adapters.pyav_picture_maker import PyAvPictureMaker
from backend.domain.failures import FailureCode, JobFailed
from tests.pictures import Pictures

MEBIBYTE = 1024 * 1024
JPEG = Pictures.plain("JPEG", (64, 48))


class Answer:
    """What a child writes."""

    @staticmethod
    def of(content: bytes = JPEG, **said: object) -> bytes:
        known = {"width": 64, "height": 48, "made_with": "a program"}
        return json.dumps(known | said).encode() + b"\n" + content

    @staticmethod
    def programme(path: Path, output: bytes | str) -> None:
        """Makes a program that writes the bytes, or is the text."""
        if isinstance(output, bytes):
            output = f"import os; os.write(1, {output!r}); os._exit(0)"
        path.write_text(output)


class TestPictureMakerFailures:
    """Real children that go wrong or lie; the maker goes on afterwards."""

    LIMITS = ChildLimits(
        ResourceLimits(AS=256 * MEBIBYTE, CPU=1), wall_seconds=30, output_bytes=MEBIBYTE
    )

    @pytest.fixture
    def program(self, tmp_path: Path) -> Path:
        return tmp_path / "child.py"

    @pytest.fixture
    def maker(self, program: Path) -> PyAvPictureMaker:
        return PyAvPictureMaker(self.LIMITS, video_program=program)

    @pytest.fixture
    def source(self, tmp_path: Path) -> Iterator[BinaryIO]:
        path = tmp_path / "source"
        path.write_bytes(JPEG)
        with path.open("rb") as file:
            yield file

    @pytest.mark.parametrize(
        ("text", "code", "words"),
        [
            (
                "import ctypes; ctypes.string_at(0)",
                FailureCode.PICTURE_MAKER_CRASHED,
                "SIGSEGV",
            ),
            ("import os; os.abort()", FailureCode.PICTURE_MAKER_CRASHED, "SIGABRT"),
            (
                "while True: print('x' * 65536)",
                FailureCode.PICTURE_MAKER_CRASHED,
                "wrote too much",
            ),
            ("while True: pass", FailureCode.PICTURE_MAKER_TIMED_OUT, "SIGXCPU"),
            (
                "hoard = []\nwhile True: hoard.append(bytearray(10_000_000))",
                FailureCode.PICTURE_MAKER_OUT_OF_MEMORY,
                "Out of memory",
            ),
        ],
    )
    async def test_each_failure_has_its_code_and_the_next_picture_is_made(
        self,
        maker: PyAvPictureMaker,
        program: Path,
        source: BinaryIO,
        text: str,
        code: FailureCode,
        words: str,
    ) -> None:
        Answer.programme(program, text)
        with pytest.raises(JobFailed) as caught:
            await maker.of_video(source)
        assert caught.value.code is code
        assert words in str(caught.value)
        assert (await maker.of_picture(source)).width == 64

    async def test_an_honest_child_is_believed(
        self, maker: PyAvPictureMaker, program: Path, source: BinaryIO
    ) -> None:
        Answer.programme(program, Answer.of())
        picture = await maker.of_video(source)
        assert (picture.content, picture.made_with) == (JPEG, "a program")

    @pytest.mark.parametrize(
        "output",
        [
            b"",
            b"[" * 9000 + b"\n",
            b'["width", "height"]\n' + JPEG,
            b"{}\n" + JPEG,
            Answer.of(b""),
            Answer.of(Pictures.plain("PNG")),
            Answer.of(Pictures.html()),
            Answer.of(JPEG + b"<script>"),
            Answer.of(JPEG[:-2]),
            Answer.of(JPEG[:-2] + b"\xff\xfe\x00\x04ab\xff\xd9"),
            Answer.of(JPEG[:2] + b"\xff\xe1\x00\x08Exif\x00\x00" + JPEG[2:]),
            Answer.of(Pictures.plain("JPEG", (64, 48), comment="x")),
            Answer.of(Pictures.plain("JPEG", (64, 48), progressive=True)),
            Answer.of(width=65),
            Answer.of(width="64"),
            Answer.of(Pictures.plain("JPEG", (1281, 9)), width=1281, height=9),
            Answer.of(Pictures.plain("JPEG", (9, 2561)), width=9, height=2561),
        ],
    )
    async def test_a_child_that_lies_has_crashed(
        self, maker: PyAvPictureMaker, program: Path, source: BinaryIO, output: bytes
    ) -> None:
        Answer.programme(program, output)
        with pytest.raises(JobFailed) as caught:
            await maker.of_video(source)
        assert caught.value.code is FailureCode.PICTURE_MAKER_CRASHED

    async def test_what_a_child_says_is_fit_to_be_shown(
        self, maker: PyAvPictureMaker, program: Path, source: BinaryIO
    ) -> None:
        said = {"unreadable": "\x1b[31mred\n" + "x" * 9000}
        Answer.programme(program, json.dumps(said).encode() + b"\n")
        with pytest.raises(JobFailed) as caught:
            await maker.of_video(source)
        assert caught.value.code is FailureCode.UNREADABLE_PICTURE
        assert str(caught.value).startswith("[31mredxxx")
        assert len(str(caught.value)) == 300

    async def test_noise_of_the_largest_size_stays_below_the_cap(self) -> None:
        noise = Image.effect_noise((1280, 2560), 120).convert("RGB")
        with tempfile.TemporaryFile() as source:
            noise.save(source, "PNG", compress_level=1)
            source.flush()
            picture = await PyAvPictureMaker().of_picture(source)
        assert (picture.width, picture.height) == (1280, 2560)
        assert MEBIBYTE // 2 < len(picture.content) <= 2 * MEBIBYTE
