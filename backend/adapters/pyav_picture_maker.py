"""Makes miniatures with Pillow and FFmpeg, in separate processes."""

import asyncio
import json
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

from backend.adapters.child_process import (
    MEBIBYTE,
    ChildEnd,
    ChildLimits,
    ChildProcess,
    ResourceLimits,
)
from backend.adapters.jpeg_check import NotPlainJpeg, PlainJpeg
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import (
    MINIATURE_MOST_HEIGHT,
    MINIATURE_MOST_WIDTH,
    Picture,
)


class PyAvPictureMaker:
    """`PictureMaker` with one child process for each picture."""

    PICTURE_PROGRAM: Final = Path(__file__).with_name("picture_child.py")
    VIDEO_PROGRAM: Final = Path(__file__).with_name("frame_child.py")
    LIMITS: Final = ChildLimits(
        resources=ResourceLimits(AS=1536 * MEBIBYTE), output_bytes=3 * MEBIBYTE
    )
    _MOST_BYTES: Final = 2 * MEBIBYTE
    _CODES: ClassVar = {
        ChildEnd.FAILED: FailureCode.PICTURE_MAKER_CRASHED,
        ChildEnd.KILLED: FailureCode.PICTURE_MAKER_CRASHED,
        ChildEnd.TOO_TALKATIVE: FailureCode.PICTURE_MAKER_CRASHED,
        ChildEnd.OUT_OF_TIME: FailureCode.PICTURE_MAKER_TIMED_OUT,
        ChildEnd.OUT_OF_MEMORY: FailureCode.PICTURE_MAKER_OUT_OF_MEMORY,
        # Nothing is wrong with the file.
        ChildEnd.NOT_BOXED: FailureCode.INTERNAL_ERROR,
    }

    def __init__(
        self,
        limits: ChildLimits = LIMITS,
        picture_program: Path = PICTURE_PROGRAM,
        video_program: Path = VIDEO_PROGRAM,
        kind: type[ChildProcess] = ChildProcess,
    ) -> None:
        self._of_picture = kind(picture_program, ("PIL",), limits)
        self._of_video = kind(video_program, ("av", "PIL"), limits)

    async def of_picture(self, source: BinaryIO) -> Picture:
        return await self._made(self._of_picture, source)

    async def of_video(self, source: BinaryIO) -> Picture:
        return await self._made(self._of_video, source)

    async def _made(self, child: ChildProcess, source: BinaryIO) -> Picture:
        result = await child.run(source)
        if result.end is not ChildEnd.FINISHED:
            raise JobFailed(self._CODES[result.end], result.message)
        return await asyncio.to_thread(self._picture, result.output)

    @classmethod
    def _picture(cls, output: bytes) -> Picture:
        """The file may have taken over the child, so its output is checked too."""
        head, _, content = output.partition(b"\n")
        try:
            said = json.loads(head)
            if "unreadable" in said:
                seen = cls._shown(said["unreadable"])
                raise JobFailed(FailureCode.UNREADABLE_PICTURE, seen)
            jpeg = PlainJpeg(content)
            cls._check(jpeg, said["width"], said["height"], len(content))
            made_with = cls._shown(said["made_with"])
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise cls._crash("no picture") from error
        except NotPlainJpeg as error:
            raise cls._crash(f"no picture of ours ({error})") from error
        return Picture(content, jpeg.width, jpeg.height, made_with)

    @classmethod
    def _check(cls, jpeg: PlainJpeg, width: int, height: int, size_bytes: int) -> None:
        if (jpeg.width, jpeg.height) != (width, height):
            raise NotPlainJpeg("its size is not what was said")
        if width > MINIATURE_MOST_WIDTH or not 0 < height <= MINIATURE_MOST_HEIGHT:
            raise NotPlainJpeg(f"{width}x{height} is too large")
        if size_bytes > cls._MOST_BYTES:
            raise NotPlainJpeg(f"{size_bytes} bytes are too many")

    @staticmethod
    def _shown(said: object) -> str:
        return "".join(filter(str.isprintable, str(said)))[:300]

    @staticmethod
    def _crash(what: str) -> JobFailed:
        return JobFailed(FailureCode.PICTURE_MAKER_CRASHED, f"The child wrote {what}")
