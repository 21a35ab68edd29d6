from pathlib import Path

import pytest

from backend.domain.failures import FailureCode, JobFailed
from backend.use_cases.ports import MetadataExtractor
from tests.clips import ClipMaker

FTYP = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"


class MetadataExtractorContract:
    """What every `MetadataExtractor` does; a subclass has the fixture `extractor`."""

    async def test_a_video_has_tracks_each_with_its_type_first(
        self, extractor: MetadataExtractor, clips: ClipMaker
    ) -> None:
        with clips.mp4().open("rb") as source:
            report = await extractor.extract(source)
        assert [next(iter(track)) for track in report.tracks] == ["type"] * 3
        assert [track["type"] for track in report.tracks] == [
            "General",
            "Video",
            "Audio",
        ]
        assert report.extractor
        assert report.extractor_version
        assert not report.truncated

    async def test_the_position_of_the_source_does_not_matter_and_stays(
        self, extractor: MetadataExtractor, clips: ClipMaker
    ) -> None:
        with clips.mp4().open("rb") as source:
            source.seek(7)
            report = await extractor.extract(source)
            assert source.tell() == 7
            assert await extractor.extract(source) == report

    @pytest.mark.parametrize(
        "content", [b"", b"abc", FTYP, FTYP + b"\x00" * 5_000, b"\xff" * 70_000]
    )
    async def test_what_is_no_video_is_unreadable(
        self, extractor: MetadataExtractor, tmp_path: Path, content: bytes
    ) -> None:
        path = tmp_path / "junk.mp4"
        path.write_bytes(content)
        with path.open("rb") as source, pytest.raises(JobFailed) as caught:
            await extractor.extract(source)
        assert caught.value.code is FailureCode.UNREADABLE_MEDIA

    async def test_a_video_without_its_end_is_unreadable(
        self, extractor: MetadataExtractor, clips: ClipMaker, tmp_path: Path
    ) -> None:
        whole = clips.mp4(2).read_bytes()
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[: whole.index(b"moov") - 4])
        with path.open("rb") as source, pytest.raises(JobFailed) as caught:
            await extractor.extract(source)
        assert caught.value.code is FailureCode.UNREADABLE_MEDIA
