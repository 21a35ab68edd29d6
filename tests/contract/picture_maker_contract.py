import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import BinaryIO

import pytest

from backend.adapters.jpeg_check import PlainJpeg
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import MINIATURE_MOST_WIDTH, Picture
from backend.use_cases.ports import PictureMaker
from tests.films import Films
from tests.pictures import RED, Pictures

Opened = Callable[[bytes], BinaryIO]


class PictureMakerContract:
    """What every `PictureMaker` does; a subclass has the fixture `maker`."""

    @pytest.fixture
    def opened(self) -> Iterator[Opened]:
        with ExitStack() as files:

            def opened(content: bytes) -> BinaryIO:
                file = files.enter_context(tempfile.TemporaryFile())
                file.write(content)
                file.flush()
                return file

            yield opened

    @staticmethod
    def check(picture: Picture) -> None:
        """It is a JPEG with nothing else in it, and not too large."""
        jpeg = PlainJpeg(picture.content)
        assert (jpeg.width, jpeg.height) == (picture.width, picture.height)
        assert picture.width <= MINIATURE_MOST_WIDTH
        assert picture.made_with

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    async def test_a_picture_becomes_a_miniature(
        self, maker: PictureMaker, opened: Opened, kind: str
    ) -> None:
        self.check(await maker.of_picture(opened(Pictures.plain(kind))))

    async def test_a_video_becomes_a_miniature(
        self, maker: PictureMaker, opened: Opened
    ) -> None:
        self.check(await maker.of_video(opened(Films.of_colours((RED, 3)))))

    async def test_the_position_of_the_source_does_not_matter_and_stays(
        self, maker: PictureMaker, opened: Opened
    ) -> None:
        source = opened(Pictures.plain("PNG"))
        source.seek(7)
        first = await maker.of_picture(source)
        assert source.tell() == 7
        assert await maker.of_picture(source) == first

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff\xd8\xff",
            Pictures.svg(),
            Pictures.html(),
            Pictures.animated("GIF"),
        ],
        ids=["nothing", "a beginning", "SVG", "HTML", "GIF"],
    )
    async def test_what_is_no_picture_is_unreadable(
        self, maker: PictureMaker, opened: Opened, content: bytes
    ) -> None:
        with pytest.raises(JobFailed) as caught:
            await maker.of_picture(opened(content))
        assert caught.value.code is FailureCode.UNREADABLE_PICTURE

    @pytest.mark.parametrize(
        "content", [b"", b"\x00\x00\x00\x18ftypisom" + bytes(9000), Pictures.html()]
    )
    async def test_what_is_no_video_is_unreadable(
        self, maker: PictureMaker, opened: Opened, content: bytes
    ) -> None:
        with pytest.raises(JobFailed) as caught:
            await maker.of_video(opened(content))
        assert caught.value.code is FailureCode.UNREADABLE_PICTURE
