"""A file that names another one reaches nothing, though no content check comes before."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

import pytest

from backend.adapters.forked_child import ForkedChild
from backend.adapters.media_info_extractor import MediaInfoExtractor
from backend.adapters.pyav_picture_maker import PyAvPictureMaker
from backend.domain.failures import JobFailed
from tests.films import Films
from tests.pictures import RED
from tests.references import Listener, References


class TestReferences:
    @pytest.fixture
    def listener(self) -> Iterator[Listener]:
        with Listener() as listener:
            yield listener

    @pytest.fixture
    def media(self, tmp_path: Path) -> Path:
        return tmp_path / "clip.mp4"

    READERS: ClassVar[dict[str, Callable[[BinaryIO], Awaitable[object]]]] = {
        "extractor": MediaInfoExtractor(kind=ForkedChild).extract,
        "video": PyAvPictureMaker(kind=ForkedChild).of_video,
        "picture": PyAvPictureMaker(kind=ForkedChild).of_picture,
    }

    @classmethod
    def outcome(cls, reader: str, media: Path) -> str:
        """What the child says of it."""

        async def read() -> object:
            with media.open("rb") as source:
                return await cls.READERS[reader](source)

        try:
            return str(asyncio.run(read()))
        except JobFailed as failed:
            return f"{failed.code} {failed}"

    @pytest.mark.parametrize("kind", References.KINDS)
    @pytest.mark.parametrize("reader", ["extractor", "video"])
    def test_the_network_is_not_reached(
        self, listener: Listener, media: Path, reader: str, kind: str
    ) -> None:
        media.write_bytes(References(listener.address).make(kind))
        said = self.outcome(reader, media)
        assert listener.connections() == 0
        known = reader == "extractor" and kind in ("movie", "alias")
        assert said.startswith("MetadataReport" if known else "unreadable_")

    @pytest.mark.parametrize(
        ("reader", "kind"),
        [
            ("extractor", "hls"),
            ("extractor", "dash"),
            ("extractor", "movie"),
            ("video", "concat"),
            ("video", "alias"),
        ],
    )
    def test_whether_a_local_file_is_there_makes_no_difference(
        self, media: Path, tmp_path: Path, reader: str, kind: str
    ) -> None:
        named = tmp_path / "named.ts"
        media.write_bytes(References(str(named)).make(kind))
        without = self.outcome(reader, media)
        named.write_bytes(Films.of_colours((RED, 5), container="mpegts"))
        assert self.outcome(reader, media) == without

    def test_a_picture_reaches_nothing_either(
        self, listener: Listener, media: Path
    ) -> None:
        media.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg">'
            f'<image href="{listener.address}"/></svg>'
        )
        assert self.outcome("picture", media).startswith("unreadable_picture")
        assert listener.connections() == 0

    @pytest.mark.parametrize("kind", ["hls", "dash", "smooth", "f4m"])
    def test_without_the_box_mediainfo_would_connect(
        self, listener: Listener, media: Path, kind: str
    ) -> None:
        """The control: the listener notices, and the file is what it is meant to be."""
        media.write_bytes(References(listener.address).make(kind))
        program = (
            "import sys; from pymediainfo import MediaInfo;"
            "MediaInfo.parse(open(sys.argv[1], 'rb'), output='JSON')"
        )
        self.run(program, media)
        assert listener.connections() > 0

    def test_without_the_box_ffmpeg_would_connect(
        self, listener: Listener, media: Path
    ) -> None:
        media.write_bytes(References(listener.address).make("concat"))
        program = (
            "import av, sys; av.open(open(sys.argv[1], 'rb'), options={'safe': '0',"
            "'protocol_whitelist': 'file,http,tcp'})"
        )
        self.run(program, media)
        assert listener.connections() > 0

    @staticmethod
    def run(program: str, media: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-c", program, str(media)]
        subprocess.run(command, check=False, capture_output=True, timeout=30)
