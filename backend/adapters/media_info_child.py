"""The program that reads a media with MediaInfo: a process of its own for each file.

It finds the file as its standard input, writes one JSON object and ends. MediaInfo is
C++ that parses untrusted uploads, so it may crash, hang or be taken over; then only
this process is lost. `boxed_child.py` has closed it in before it starts.
"""

import json
import os
import sys
from typing import Any, Final

from pymediainfo import MediaInfo

from backend.adapters.media_info_report import ReportTrimmer
from backend.adapters.seekable_input import SeekableInput
from backend.adapters.system_call_box import SystemCallBox

# Asked while this is loaded; a child that is forked finds the library there already.
_IS_THERE: Final = MediaInfo.can_parse()


class MediaInfoChild:
    """Parses standard input and prints the trimmed report."""

    # MediaInfo seeks a lot in a file; most of its reads are small.
    _BUFFER_BYTES: Final = 256 * 1024
    _OUR_CLIP: Final = f"{os.path.dirname(__file__)}/first_clip.mp4"  # noqa: PTH120

    @classmethod
    def warm_up(cls) -> None:
        """Let MediaInfo fill its tables, from a file of ours, for all forked
        children."""
        with open(cls._OUR_CLIP, "rb") as clip:  # noqa: PTH123
            cls._parse(clip.fileno())

    def run(self) -> None:
        self._seal()
        report = self._parse(sys.stdin.fileno())
        trimmer = ReportTrimmer()
        library = report.get("creatingLibrary") or {}
        media = report.get("media") or {}
        tracks = trimmer.tracks(media.get("track"))
        json.dump(
            {
                "extractor": str(library.get("name", "MediaInfoLib")),
                "version": str(library.get("version", "")),
                "tracks": tracks,
                "truncated": trimmer.truncated,
            },
            sys.stdout,
        )

    @staticmethod
    def _seal() -> None:
        """MediaInfo opens what a playlist or a QuickTime reference names, on this
        machine and, through libcurl, on the network. Its library is loaded before.
        """
        if not _IS_THERE:
            raise RuntimeError("libmediainfo cannot be loaded")
        SystemCallBox().seal()

    @classmethod
    def _parse(cls, descriptor: int) -> dict[str, Any]:
        """Without options: to reset them afterwards takes longer than to read a clip."""
        text = MediaInfo.parse(
            SeekableInput(descriptor),
            output="JSON",
            cover_data=False,
            buffer_size=cls._BUFFER_BYTES,
        )
        # MediaInfo does not escape all control characters.
        report = json.loads(text, strict=False)
        return report if isinstance(report, dict) else {}


if __name__ == "__main__":
    MediaInfoChild().run()
    sys.stdout.flush()
    # The rest of the shutdown costs time and is useless.
    os._exit(0)
else:
    MediaInfoChild.warm_up()
