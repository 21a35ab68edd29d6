"""Recognises what a real muxer writes, not only what the unit tests make up."""

from io import BytesIO

import av
import pytest

from backend.domain import containers
from backend.domain.containers import ContainerSniffer
from backend.domain.media import Container


class Muxer:
    """Writes ten black frames, or ten silent ones, in memory."""

    def video(self, muxer: str, codec: str, options: dict[str, str]) -> bytes:
        file = BytesIO()
        with av.open(file, "w", format=muxer, options=options) as output:
            stream = output.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 352, 288, "yuv420p"
            for _ in range(10):
                output.mux(stream.encode(self._blank(av.VideoFrame(352, 288))))
            output.mux(stream.encode())
        return file.getvalue()

    def sound(self, muxer: str, codec: str) -> bytes:
        file = BytesIO()
        with av.open(file, "w", format=muxer) as output:
            stream = output.add_stream(codec, rate=44_100)
            for _ in range(10):
                frame = av.AudioFrame(stream.format.name, "stereo", 1024)
                frame.rate = 44_100
                output.mux(stream.encode(self._blank(frame)))
            output.mux(stream.encode())
        return file.getvalue()

    @staticmethod
    def _blank(frame: av.VideoFrame | av.AudioFrame) -> av.VideoFrame | av.AudioFrame:
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        return frame


class TestRealMuxers:
    @pytest.mark.parametrize(
        ("muxer", "codec", "options", "container"),
        [
            ("mp4", "mpeg4", {}, containers.MPEG_4),
            (
                "mp4",
                "mpeg4",
                {"movflags": "frag_keyframe+empty_moov"},
                containers.MPEG_4,
            ),
            ("ipod", "mpeg4", {}, containers.MPEG_4),
            ("mov", "mpeg4", {}, containers.QUICKTIME),
            ("3gp", "mpeg4", {}, containers.THREE_GPP),
            ("3g2", "mpeg4", {}, containers.THREE_GPP_2),
            ("matroska", "mpeg4", {}, containers.MATROSKA),
            ("webm", "libvpx", {}, containers.WEBM),
            ("avi", "mpeg4", {}, containers.AVI),
            ("mpegts", "mpeg2video", {}, containers.MPEG_TS),
            (
                "mpegts",
                "mpeg2video",
                {"mpegts_m2ts_mode": "1"},
                containers.BLU_RAY_TS,
            ),
            ("mpeg", "mpeg1video", {}, containers.MPEG_PS),
            ("vob", "mpeg2video", {}, containers.MPEG_PS),
            ("flv", "flv", {}, containers.FLASH_VIDEO),
            ("asf", "wmv2", {}, containers.WINDOWS_MEDIA),
        ],
    )
    def test_videos(
        self, muxer: str, codec: str, options: dict[str, str], container: Container
    ) -> None:
        head = Muxer().video(muxer, codec, options)[: ContainerSniffer.head_bytes]
        assert ContainerSniffer().recognise(head) == container

    @pytest.mark.parametrize(
        ("muxer", "codec"),
        [("ipod", "aac"), ("flv", "aac"), ("adts", "aac"), ("wav", "pcm_s16le")],
    )
    def test_sound_alone(self, muxer: str, codec: str) -> None:
        head = Muxer().sound(muxer, codec)[: ContainerSniffer.head_bytes]
        assert ContainerSniffer().recognise(head) is None
