"""Short films of plain colours."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
from PIL import Image

from tests.pictures import BLUE, RED, Colour

BLACK, GREEN = (0, 0, 0), (20, 200, 30)
# Dark enough to pass for black.
NIGHT = (0, 0, 90)
# The middle of a display matrix is at 4; its numbers have 16 bits behind the point.
Matrix = tuple[int, int, int, int]


class Films:
    """Each method makes the bytes of one file."""

    # MPEG-1 knows no slower one.
    RATE = 25

    @classmethod
    def of_colours(
        cls,
        *colours: tuple[Colour, int],
        container: str = "mp4",
        codec: str = "libx264",
        **wishes: Any,
    ) -> bytes:
        """So many pictures of each colour, and one key frame."""
        pictures = [
            Image.new("RGB", (160, 120), colour)
            for colour, count in colours
            for _ in range(count)
        ]
        return cls._written(pictures, container, codec, **wishes)

    @classmethod
    def of_halves(cls, matrix: Matrix = (1, 0, 0, 1), shape: int = 1) -> bytes:
        """Red on the left, blue on the right; pixels so many times wider than high."""
        picture = Image.new("RGB", (160, 120), RED)
        picture.paste(BLUE, (80, 0, 160, 120))
        return cls._written([picture] * 2, "mp4", "libx264", matrix, shape)

    @classmethod
    def _written(
        cls,
        pictures: Sequence[Image.Image],
        container: str,
        codec: str,
        matrix: Matrix = (1, 0, 0, 1),
        shape: int = 1,
        options: dict[str, str] | None = None,
        preset: str = "ultrafast",
    ) -> bytes:
        target = io.BytesIO()
        with av.open(target, "w", format=container, options=options or {}) as output:
            stream: Any = output.add_stream(codec, rate=cls.RATE)
            stream.width, stream.height = pictures[0].size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.sample_aspect_ratio = Fraction(shape)
            stream.codec_context.gop_size = 1000
            if codec == "libx264":
                stream.options = {"preset": preset}
            if matrix != (1, 0, 0, 1):
                a, b, c, d = (number << 16 for number in matrix)
                stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_image(picture)
                frame.pts, frame.time_base = number, Fraction(1, cls.RATE)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return target.getvalue()

    @staticmethod
    def sound() -> bytes:
        """An MP4 without a picture."""
        target = io.BytesIO()
        with av.open(target, "w", format="mp4") as output:
            stream: Any = output.add_stream("aac", rate=48_000, layout="mono")
            for number in range(20):
                frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
                frame.planes[0].update(bytes(frame.planes[0].buffer_size))
                frame.sample_rate, frame.pts = 48_000, number * 1024
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return target.getvalue()
