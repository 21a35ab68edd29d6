from typing import Any

import pytest

from backend.domain.technical import (
    AudioTrack,
    TechnicalSummary,
    TrackFields,
    VideoTrack,
)


class TestTechnicalSummary:
    # As MediaInfo 24.12 says it of Big Buck Bunny, without what is not read.
    TRACKS: tuple[dict[str, Any], ...] = (
        {
            "type": "General",
            "Format": "MPEG-4",
            "Duration": "5.312",
            "OverallBitRate": "1589964",
        },
        {
            "type": "Video",
            "Format": "AVC",
            "Width": "1280",
            "Height": "720",
            "FrameRate": "25.000",
        },
        {"type": "Audio", "Format": "AAC", "Channels": "6", "SamplingRate": "48000"},
    )

    def test_it_reads_what_media_info_says(self) -> None:
        assert TechnicalSummary.of_tracks(self.TRACKS) == TechnicalSummary(
            container="MPEG-4",
            duration=5.312,
            bit_rate=1_589_964,
            video=VideoTrack("AVC", 1280, 720, 25.0),
            audio=AudioTrack("AAC", 6, 48_000),
        )

    def test_the_first_track_of_a_kind_describes_the_media(self) -> None:
        second = {"type": "Video", "Format": "JPEG", "Width": "1"}
        summary = TechnicalSummary.of_tracks([*self.TRACKS, second])
        assert summary.video is not None
        assert summary.video.codec == "AVC"

    def test_what_is_not_there_is_none(self) -> None:
        assert TechnicalSummary.of_tracks([]) == TechnicalSummary(
            None, None, None, None, None
        )

    @pytest.mark.parametrize(
        ("said", "read"),
        [
            ("48000", 48_000),
            ("48000 / 24000", 48_000),
            ("25.000", 25),
            ("", None),
            ("many", None),
            ("-1", None),
            ("inf", None),
            ("nan", None),
            ("1e999", None),
            ({"a": "1"}, None),
            (None, None),
        ],
    )
    def test_numbers_are_read_from_texts(self, said: Any, read: float | None) -> None:
        assert TrackFields({"it": said}).number("it") == read
        assert TrackFields({"it": said}).whole("it") == read
