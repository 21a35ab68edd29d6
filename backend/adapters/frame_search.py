"""Which frame of a video is its miniature: part of `frame_child.py`."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, cast

import av
from PIL import Image, ImageStat

from backend.adapters.film import Film, UnreadableVideo


class ScaledFrame:
    """A frame in RGB; it is scaled on the way and so never whole in it."""

    @staticmethod
    def of(frame: av.VideoFrame, width: int, height: int) -> Image.Image:
        # The types of PyAV leave it out. More than one thread would be refused.
        scaled = cast(Any, frame).to_image(
            width=width, height=height, interpolation="AREA", threads=1
        )
        return cast(Image.Image, scaled)


class FrameSearch:
    """Finds a frame that is not black, within a time limit."""

    # Of the duration. A film is under way after a tenth; its very beginning is last.
    _POINTS: Final = (0.1, 0.25, 0.5, 0.75, 0.0)
    # Luma is 0 to 255. Fades and nights with nothing in them stay below both; white
    # letters on black, which spread, and a plain dark grey, which does not, are above.
    _BLACK_MEAN: Final = 16
    _BLACK_SPREAD: Final = 10
    _JUDGED_SIZE: Final = 64
    # One minute of film.
    _MOST_FRAMES: Final = 1500
    _MOST_SECONDS: Final = 15.0

    def __init__(self, film: Film) -> None:
        self._film = film

    def frame(self) -> av.VideoFrame:
        """The first that is not black, else the brightest. Raises `UnreadableVideo`."""
        end = time.monotonic() + self._MOST_SECONDS
        brightest: av.VideoFrame | None = None
        most = -1.0
        for frame in islice(self._candidates(), self._MOST_FRAMES):
            mean, spread = self._light(frame)
            if mean >= self._BLACK_MEAN or spread >= self._BLACK_SPREAD:
                return frame
            if mean > most:
                brightest, most = frame, mean
            if time.monotonic() > end:
                break
        if brightest is None:
            raise UnreadableVideo("There is no frame that can be decoded")
        return brightest

    def _candidates(self) -> Iterator[av.VideoFrame]:
        """Some key frames; if none is good enough, all frames from the start."""
        for point in self._POINTS:
            self._film.seek(point)
            yield from islice(self._film.frames(), 1)
        self._film.restart()
        yield from self._film.frames()

    @classmethod
    def _light(cls, frame: av.VideoFrame) -> tuple[float, float]:
        """Mean and standard deviation of its luma."""
        size = cls._JUDGED_SIZE
        light = ImageStat.Stat(ScaledFrame.of(frame, size, size).convert("L"))
        return light.mean[0], light.stddev[0]
