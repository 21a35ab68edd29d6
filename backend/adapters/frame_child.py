"""The program that makes a miniature of a video: a process of its own for each.

It finds the video as its standard input; `boxed_child.py` has closed it in.
"""

import struct
import sys
from contextlib import closing
from typing import Any, Final, cast

import av
import av.audio.codeccontext
import av.audio.stream
import av.subtitles.codeccontext
import av.subtitles.stream
import av.video.codeccontext
import av.video.stream
import PIL
from PIL import Image, JpegImagePlugin

from backend.adapters.film import Film, UnreadableVideo
from backend.adapters.frame_search import FrameSearch, ScaledFrame
from backend.adapters.picture_writer import PictureWriter, Size
from backend.adapters.system_call_box import SystemCallBox

# What PyAV and Pillow would import on first need has been imported above as well:
# nothing can be once the box is sealed.
_FORMATS = (JpegImagePlugin,)


class Projection:
    """From frames as they are stored to pictures as they are shown."""

    # The left columns of the display matrix by their signs, as in (x, y) -> (y, -x).
    _TURNS: Final = {
        (0, 1, -1, 0): Image.Transpose.ROTATE_270,
        (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
        (0, -1, 1, 0): Image.Transpose.ROTATE_90,
        (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
        (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
        (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
        (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
    }
    # The largest believable aspect ratio of a pixel, or its inverse.
    _MOST_STRETCH: Final = 8

    def __init__(self, pixel_ratio: float) -> None:
        honest = 1 / self._MOST_STRETCH <= pixel_ratio <= self._MOST_STRETCH
        self._stretch = pixel_ratio if honest else 1

    def picture(self, frame: av.VideoFrame) -> Image.Image:
        a, b, c, d = self._matrix(frame)
        width, height = self._size(frame, on_its_side=a == d == 0)
        picture = ScaledFrame.of(frame, width, height)
        turn = self._TURNS.get((a, b, c, d))
        return picture if turn is None else picture.transpose(turn)

    def _size(self, frame: av.VideoFrame, *, on_its_side: bool) -> Size:
        width, height = frame.width * self._stretch, frame.height
        if not on_its_side:
            return PictureWriter.fitting(width, height)
        across, down = PictureWriter.fitting(height, width)
        return down, across

    @classmethod
    def _matrix(cls, frame: av.VideoFrame) -> tuple[int, int, int, int]:
        try:
            data = cast(Any, frame.side_data)["DISPLAYMATRIX"]
            values = struct.unpack("=9i", bytes(data))
        except (LookupError, ValueError, struct.error):
            # None, or PyAV cannot list it because of side data of a newer kind.
            return 1, 0, 0, 1
        a, b, c, d = (cls._sign(values[at]) for at in (0, 1, 3, 4))
        return a, b, c, d

    @staticmethod
    def _sign(value: int) -> int:
        return (value > 0) - (value < 0)


class FrameChild:
    """Decodes a frame with FFmpeg through PyAV."""

    _LIBRARIES: Final = ("libavformat", "libavcodec", "libswscale")

    def run(self) -> None:
        writer = PictureWriter(self._made_with())
        SystemCallBox().seal()
        try:
            picture = self._picture()
        except MemoryError:
            raise
        except (av.FFmpegError, UnreadableVideo) as error:
            writer.refuse(f"{type(error).__name__}: {error}")
        writer.write(picture)

    @classmethod
    def _made_with(cls) -> str:
        libraries = (
            f"{name} {'.'.join(map(str, av.library_versions[name]))}"
            for name in cls._LIBRARIES
        )
        ours = (f"PyAV {av.__version__}", f"Pillow {PIL.__version__}")
        return ", ".join((*ours, *libraries))

    def _picture(self) -> Image.Image:
        with closing(Film(sys.stdin.fileno())) as film:
            frame = FrameSearch(film).frame()
            return Projection(film.pixel_ratio).picture(frame)


if __name__ == "__main__":
    FrameChild().run()
