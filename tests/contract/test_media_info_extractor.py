import asyncio
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from backend.adapters.child_process import ChildProcess
from backend.adapters.forked_child import ForkedChild
from backend.adapters.media_info_extractor import MediaInfoExtractor
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.technical import AudioTrack, TechnicalSummary, VideoTrack
from backend.embedded.clip import Clip as EmbeddedClip
from tests.clips import Clip, ClipMaker
from tests.contract.metadata_extractor_contract import MetadataExtractorContract


class TestMediaInfoExtractor(MetadataExtractorContract):
    @pytest.fixture(scope="class", params=[ChildProcess, ForkedChild])
    @classmethod
    def extractor(cls, request: pytest.FixtureRequest) -> MediaInfoExtractor:
        return MediaInfoExtractor(kind=request.param)

    @pytest.mark.parametrize(
        ("container", "format_name", "codecs"),
        [
            ("mp4", "MPEG-4", ("AVC", "AAC")),
            ("mkv", "Matroska", ("AVC", "AAC")),
            ("webm", "WebM", ("VP8", "Opus")),
        ],
    )
    async def test_the_summary_says_what_the_clip_is(
        self,
        extractor: MediaInfoExtractor,
        clips: ClipMaker,
        container: str,
        format_name: str,
        codecs: tuple[str, str],
    ) -> None:
        path = clips.make(Clip(container, seconds=2))
        with path.open("rb") as source:
            report = await extractor.extract(source)
        summary = TechnicalSummary.of_tracks(report.tracks)
        assert summary.container == format_name
        assert summary.duration == pytest.approx(2, abs=0.1)
        assert summary.video == VideoTrack(codecs[0], 320, 180, 25.0)
        assert summary.audio == AudioTrack(codecs[1], 2, 48_000)
        assert summary.bit_rate == pytest.approx(path.stat().st_size * 8 / 2, rel=0.1)
        assert report.tracks[0]["FileSize"] == str(path.stat().st_size)
        assert report.extractor == "MediaInfoLib"
        assert report.extractor_version == "24.12"
        assert report.libraries == {"pymediainfo": version("pymediainfo")}

    async def test_a_video_without_sound_is_readable(
        self, extractor: MediaInfoExtractor, clips: ClipMaker
    ) -> None:
        with clips.mp4(audio=False).open("rb") as source:
            report = await extractor.extract(source)
        assert TechnicalSummary.of_tracks(report.tracks).audio is None

    async def test_an_mp4_that_was_cut_off_is_unreadable_though_its_head_is_whole(
        self, extractor: MediaInfoExtractor, tmp_path: Path
    ) -> None:
        path = tmp_path / "clip.mp4"
        EmbeddedClip(seconds=1.0).make(path)
        whole = path.read_bytes()
        assert whole.index(b"moov") < whole.index(b"mdat")
        path.write_bytes(whole[:-1])
        with path.open("rb") as source, pytest.raises(JobFailed) as caught:
            await extractor.extract(source)
        assert caught.value.code is FailureCode.UNREADABLE_MEDIA
        assert "cut off" in str(caught.value)

    @pytest.mark.parametrize("container", ["mkv", "webm"])
    async def test_a_recording_that_was_cut_off_is_what_was_recorded(
        self,
        extractor: MediaInfoExtractor,
        clips: ClipMaker,
        tmp_path: Path,
        container: str,
    ) -> None:
        path = tmp_path / "recording"
        path.write_bytes(clips.make(Clip(container, seconds=2)).read_bytes()[:-200])
        with path.open("rb") as source:
            report = await extractor.extract(source)
        assert TechnicalSummary.of_tracks(report.tracks).video is not None

    async def test_tags_are_cleaned_and_cut(
        self, extractor: MediaInfoExtractor, clips: ClipMaker
    ) -> None:
        title = "\x01Größe 🎬\x1b[31m\x85" + "x" * 100_000
        with clips.mkv(title=title).open("rb") as source:
            report = await extractor.extract(source)
        shown = report.tracks[0]["Title"]
        assert shown.startswith("Größe 🎬[31mxxx")
        assert len(shown.encode()) <= 8 * 1024

    async def test_a_file_without_a_name_can_be_read(
        self, extractor: MediaInfoExtractor, clips: ClipMaker
    ) -> None:
        with tempfile.TemporaryFile() as nameless:
            with clips.mp4().open("rb") as source:
                shutil.copyfileobj(source, nameless)
            report = await extractor.extract(nameless)
        assert len(report.tracks) == 3

    async def test_many_at_once_do_not_disturb_each_other(
        self, extractor: MediaInfoExtractor, clips: ClipMaker
    ) -> None:
        paths = [clips.mp4(seed=seed, width=320 + 16 * seed) for seed in range(4)]
        files = [path.open("rb") for path in paths * 4]
        reports = await asyncio.gather(*(extractor.extract(file) for file in files))
        for file in files:
            file.close()
        widths = [report.tracks[1]["Width"] for report in reports]
        assert widths == ["320", "336", "352", "368"] * 4
