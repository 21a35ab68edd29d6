"""The video a miniature is made of: part of `frame_child.py`."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, cast

import av
from av.container import InputContainer
from av.stream import Disposition

from backend.adapters.seekable_input import SeekableInput
from backend.domain.media import PICTURE_MOST_PIXELS


class UnreadableVideo(Exception):
    """There is no frame to be had."""


class Film:
    """The video behind a descriptor, open until it is closed.

    Raises `UnreadableVideo` where there is none, and `av.FFmpegError`.
    """

    # The demuxers of the containers that are taken: none that opens a second file.
    _DEMUXERS: Final = "mov,matroska,avi,mpegts,mpeg,flv,asf"
    # No name of a protocol: what is not read from the descriptor is not read.
    _PROTOCOLS: Final = "none"

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._open()

    @property
    def pixel_ratio(self) -> float:
        """The declared aspect ratio of a pixel."""
        return float(self._stream.sample_aspect_ratio or 1)

    def seek(self, point: float) -> None:
        """To the key frame before this part of the duration, or nowhere.

        In a transport stream it may be one after it.
        """
        start, duration = self._container.start_time, self._container.duration
        # If seeking fails, it continues from the present position.
        with suppress(av.FFmpegError):
            self._container.seek((start or 0) + int((duration or 0) * point))

    def restart(self) -> None:
        """To its very first frame, which no seek is sure to find."""
        # Two decoders at once would take twice the memory.
        self.close()
        self._open()

    def frames(self) -> Iterator[av.VideoFrame]:
        """From where it is on; what is damaged is left out."""
        try:
            for packet in self._container.demux(self._stream):
                yield from self._decoded(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            return

    def close(self) -> None:
        self._container.close()

    def _open(self) -> None:
        container = av.open(
            cast(Any, SeekableInput(self._descriptor)),
            options={
                "format_whitelist": self._DEMUXERS,
                "protocol_whitelist": self._PROTOCOLS,
                "max_pixels": str(PICTURE_MOST_PIXELS),
            },
            # Names and texts of the file, which are not needed.
            metadata_errors="replace",
        )
        self._container = cast(InputContainer, container)
        self._stream = self._film_stream(self._container)

    @staticmethod
    def _film_stream(container: InputContainer) -> av.VideoStream:
        """The first stream that is a film and can be decoded: a cover is a stream
        too."""
        for stream in container.streams.video:
            # None where FFmpeg has no decoder.
            context: av.VideoCodecContext | None = stream.codec_context
            if context and not stream.disposition & Disposition.attached_pic:
                context.options = {"max_pixels": str(PICTURE_MOST_PIXELS)}
                # More are refused.
                context.thread_count = 1
                return stream
        raise UnreadableVideo("There is no video in it that can be decoded")

    @staticmethod
    def _decoded(packet: "av.Packet[av.VideoStream]") -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except MemoryError:
            raise
        except av.FFmpegError:
            return []
