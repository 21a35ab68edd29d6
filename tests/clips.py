import array
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av


@dataclass(frozen=True)
class Clip:
    """What a clip shall be; `seed` makes clips of other bytes."""

    container: str = "mp4"
    seconds: float = 1
    width: int = 320
    height: int = 180
    frames_per_second: int = 25
    audio: bool = True
    seed: int = 0
    title: str = ""

    @property
    def codecs(self) -> tuple[str, str]:
        if self.container == "webm":
            return "libvpx", "libopus"
        return "libx264", "aac"


class ClipMaker:
    """Makes real video files, each only once in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Clip, Path] = {}

    def mp4(self, seconds: float = 1, **wishes: Any) -> Path:
        """H.264 and AAC."""
        return self.make(Clip("mp4", seconds, **wishes))

    def mkv(self, seconds: float = 1, **wishes: Any) -> Path:
        """H.264 and AAC."""
        return self.make(Clip("mkv", seconds, **wishes))

    def webm(self, seconds: float = 1, **wishes: Any) -> Path:
        """VP8 and Opus."""
        return self.make(Clip("webm", seconds, **wishes))

    def make(self, clip: Clip) -> Path:
        if clip not in self._made:
            path = self._folder / f"clip-{len(self._made)}.{clip.container}"
            self.write(clip, path)
            self._made[clip] = path
        return self._made[clip]

    def write(self, clip: Clip, path: Path) -> None:
        with av.open(str(path), "w") as output:
            if clip.title:
                output.metadata["title"] = clip.title
            tracks = [(self._video_stream(output, clip), self._pictures(clip))]
            if clip.audio:
                sound = output.add_stream(clip.codecs[1], rate=48_000, layout="stereo")
                tracks.append((sound, self._tones(clip)))
            for stream, frames in tracks:
                for frame in frames:
                    output.mux(stream.encode(frame))
                output.mux(stream.encode(None))

    @staticmethod
    def _video_stream(output: Any, clip: Clip) -> Any:
        stream = output.add_stream(clip.codecs[0], rate=clip.frames_per_second)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
        if clip.container == "webm":
            stream.options = {"deadline": "realtime", "cpu-used": "8"}
        else:
            stream.options = {"preset": "ultrafast"}
        return stream

    @staticmethod
    def _pictures(clip: Clip) -> Iterator[av.VideoFrame]:
        """A grey ramp that moves, on a colour that depends on the seed."""
        ramp = bytes(range(256)) * (clip.width // 256 + 3)
        for number in range(max(1, round(clip.seconds * clip.frames_per_second))):
            frame = av.VideoFrame(clip.width, clip.height, "yuv420p")
            light, *colours = frame.planes
            shift = (number * 3 + clip.seed * 7) % 256
            light.update(ramp[shift : shift + light.line_size] * light.height)
            for plane, step in zip(colours, (17, 29), strict=True):
                plane.update(bytes([(clip.seed * step + 90) % 256]) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, clip.frames_per_second)
            yield frame

    @staticmethod
    def _tones(clip: Clip) -> Iterator[av.AudioFrame]:
        step = 2 * math.pi * (220 + clip.seed % 400) / 48_000
        for start in range(0, int(clip.seconds * 48_000), 1024):
            tone = (0.2 * math.sin(step * at) for at in range(start, start + 1024))
            wave = array.array("f", tone).tobytes()
            frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            for plane in frame.planes:
                plane.update(wave[: plane.buffer_size])
            frame.sample_rate, frame.pts = 48_000, start
            frame.time_base = Fraction(1, 48_000)
            yield frame
