import os
from typing import BinaryIO

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import Picture
from tests.pictures import Pictures


class CannedPictureMaker:
    """Makes the same miniature of every JPEG, PNG, WebP and MP4 that seems complete.

    `failure` makes it fail.
    """

    # How each kind begins, and what comes at its end or close to it.
    _PICTURES = ((b"\xff\xd8", b"\xff\xd9"), (b"\x89PNG", b"IEND"), (b"RIFF", b"VP8"))

    def __init__(self) -> None:
        self.failure: JobFailed | None = None
        self.calls = 0

    async def of_picture(self, source: BinaryIO) -> Picture:
        content = self._content(source)
        return self._made(
            any(content.startswith(a) and b in content for a, b in self._PICTURES)
        )

    async def of_video(self, source: BinaryIO) -> Picture:
        return self._made(b"moov" in self._content(source))

    def _made(self, is_readable: bool) -> Picture:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        if not is_readable:
            raise JobFailed(FailureCode.UNREADABLE_PICTURE, "It is no such thing")
        return Picture(Pictures.plain("JPEG", (320, 180)), 320, 180, "Canned 1")

    @staticmethod
    def _content(source: BinaryIO) -> bytes:
        return os.pread(source.fileno(), os.fstat(source.fileno()).st_size, 0)
