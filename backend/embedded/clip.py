import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av


class Clip:
    """A made-up film: a moving pattern as H.264 and a tone as AAC, in an MP4 of any length.

    Clips with another `seed` have other bytes; memory use does not depend on the length.
    """

    SAMPLES = 1024
    RATE = 48_000

    def __init__(
        self,
        seconds: float = 10.0,
        *,
        seed: int = 0,
        width: int = 640,
        height: int = 360,
        frame_rate: int = 25,
    ) -> None:
        self._seconds = seconds
        self._seed = seed
        self._width = width
        self._height = height
        self._frame_rate = frame_rate

    def make(self, path: Path) -> Path:
        """Write it beside the path and move it there when it is whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.mp4")
        try:
            with av.open(
                str(draft), "w", format="mp4", options={"movflags": "+faststart"}
            ) as film:
                film.metadata["title"] = f"MediaProject clip {self._seed}"
                self._fill(film)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return path

    def _fill(self, film: "av.container.OutputContainer") -> None:
        """Picture and sound are written in turn, as a player wants them."""
        video = film.add_stream("libx264", rate=self._frame_rate)
        video.width, video.height, video.pix_fmt = self._width, self._height, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "28"}
        audio = film.add_stream("aac", rate=self.RATE, layout="stereo")
        tones = self._tones()
        heard = 0.0
        for number, picture in enumerate(self._pictures()):
            film.mux(video.encode(picture))
            while heard <= number / self._frame_rate and (tone := next(tones, None)):
                film.mux(audio.encode(tone))
                heard += self.SAMPLES / self.RATE
        for tone in tones:
            film.mux(audio.encode(tone))
        film.mux(video.encode(None))
        film.mux(audio.encode(None))

    def _pictures(self) -> "Iterator[av.VideoFrame]":
        ramp = bytes((value * 2 + self._seed) % 220 + 16 for value in range(110)) * (
            2 + (self._width * 2) // 110
        )
        for number in range(max(1, round(self._seconds * self._frame_rate))):
            picture = av.VideoFrame(self._width, self._height, "yuv420p")
            for plane, shade in zip(picture.planes, (None, 90, 160), strict=True):
                plane.update(self._plane(plane, shade, number, ramp))
            picture.pts = number
            picture.time_base = Fraction(1, self._frame_rate)
            yield picture

    def _plane(
        self,
        plane: "av.video.plane.VideoPlane",
        shade: int | None,
        number: int,
        ramp: bytes,
    ) -> bytes:
        """Brightness runs sideways in slanted stripes; the colours change slowly."""
        if shade is not None:
            return bytes([(shade + number + self._seed) % 256]) * plane.buffer_size
        width = plane.line_size
        rows = (ramp[(number * 3 + row) % 110 :][:width] for row in range(plane.height))
        return b"".join(row.ljust(width, b"\x10") for row in rows)

    def _tones(self) -> "Iterator[av.AudioFrame]":
        period = 96 + self._seed % 64
        wave = b"".join(
            (8000 if step < period // 2 else -8000).to_bytes(2, "little", signed=True)
            * 2
            for step in range(period)
        ) * (2 + self.SAMPLES // period)
        for start in range(0, int(self._seconds * self.RATE), self.SAMPLES):
            tone = av.AudioFrame(format="s16", layout="stereo", samples=self.SAMPLES)
            tone.planes[0].update(wave[start % period * 4 :][: self.SAMPLES * 4])
            tone.pts, tone.sample_rate = start, self.RATE
            tone.time_base = Fraction(1, self.RATE)
            yield tone
