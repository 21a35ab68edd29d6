"""Extractors and makers that read a video or a picture."""

from typing import BinaryIO, Protocol

from backend.domain.media import Picture
from backend.domain.metadata import MetadataReport


class MetadataExtractor(Protocol):
    """Finds out everything technical about a video."""

    async def extract(self, source: BinaryIO) -> MetadataReport:
        """Read the report of an open file in a child process.

        The position of the source is neither used nor moved. Raises `JobFailed` with
        `unreadable_media` or an `extractor_…` code.
        """


class PictureMaker(Protocol):
    """Makes a miniature in a child process, at most 1280 pixels wide.

    The position of the source is neither used nor moved. Raises `JobFailed` with
    `unreadable_picture` or a `picture_maker_…` code.
    """

    async def of_picture(self, source: BinaryIO) -> Picture:
        """From a JPEG, PNG or WebP; anything else is unreadable."""

    async def of_video(self, source: BinaryIO) -> Picture:
        """From a frame that is not black, if there is one."""
