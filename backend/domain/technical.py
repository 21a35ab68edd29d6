"""The short technical description that a media shows, read from MediaInfo's tracks."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

CODEC_MOST_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class TrackFields:
    """Reads single values out of one MediaInfo track, where everything is text."""

    fields: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        value = self.fields.get(name)
        return str(value)[:CODEC_MOST_CHARACTERS] if value else None

    def number(self, name: str) -> float | None:
        """A track that can be decoded in several ways lists all values: "48000 /
        24000"."""
        try:
            value = float(str(self.fields.get(name, "")).split(" / ")[0])
        except ValueError:
            return None
        return value if math.isfinite(value) and value >= 0 else None

    def whole(self, name: str) -> int | None:
        value = self.number(name)
        return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class VideoTrack:
    codec: str | None
    width: int | None
    height: int | None
    frame_rate: float | None

    @classmethod
    def of(cls, track: TrackFields) -> "VideoTrack":
        return cls(
            codec=track.text("Format"),
            width=track.whole("Width"),
            height=track.whole("Height"),
            frame_rate=track.number("FrameRate"),
        )


@dataclass(frozen=True, slots=True)
class AudioTrack:
    codec: str | None
    channels: int | None
    sample_rate: int | None

    @classmethod
    def of(cls, track: TrackFields) -> "AudioTrack":
        return cls(
            codec=track.text("Format"),
            channels=track.whole("Channels"),
            sample_rate=track.whole("SamplingRate"),
        )


@dataclass(frozen=True, slots=True)
class TechnicalSummary:
    """`duration` in seconds, `bit_rate` in bits per second; None where unknown."""

    container: str | None
    duration: float | None
    bit_rate: int | None
    video: VideoTrack | None
    audio: AudioTrack | None

    @classmethod
    def of_tracks(cls, tracks: Iterable[Mapping[str, Any]]) -> "TechnicalSummary":
        """Read MediaInfo's tracks; the first of each `type` describes the media."""
        first: dict[str, TrackFields] = {}
        for track in tracks:
            first.setdefault(str(track.get("type")), TrackFields(track))
        general = first.get("General", TrackFields({}))
        video, audio = first.get("Video"), first.get("Audio")
        return cls(
            container=general.text("Format"),
            duration=general.number("Duration"),
            bit_rate=general.whole("OverallBitRate"),
            video=VideoTrack.of(video) if video else None,
            audio=AudioTrack.of(audio) if audio else None,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
