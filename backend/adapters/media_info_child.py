"""The program that reads a media with MediaInfo: a process of its own for each file.

It finds the file as its standard input, writes one JSON object and ends. MediaInfo is C++
that parses what anybody uploads, so it may crash, hang or be taken over; nothing but
this process is lost then. `boxed_child.py` has closed it in before it starts.
"""

import json
import os
import sys
from typing import Any, Final

from pymediainfo import MediaInfo

from backend.adapters.media_info_report import ReportTrimmer
from backend.adapters.seekable_input import SeekableInput
from backend.adapters.system_call_box import SystemCallBox

# Asked while this is imported, so that a child that is forked finds the library loaded.
_IS_THERE: Final = MediaInfo.can_parse()


class MediaInfoChild:
    """Parses standard input and prints the trimmed report."""

    # MediaInfo jumps about in a file; most of what it looks at is small.
    _BUFFER_BYTES: Final = 256 * 1024
    # It must not look for `clip2.mp4` beside `clip1.mp4`.
    _OPTIONS: Final = {"File_TestContinuousFileNames": "0"}

    def run(self) -> None:
        self._seal()
        report = self._parse()
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

    def _parse(self) -> dict[str, Any]:
        text = MediaInfo.parse(
            SeekableInput(sys.stdin.fileno()),
            output="JSON",
            cover_data=False,
            mediainfo_options=self._OPTIONS,
            buffer_size=self._BUFFER_BYTES,
        )
        # MediaInfo does not escape all control characters.
        report = json.loads(text, strict=False)
        return report if isinstance(report, dict) else {}


if __name__ == "__main__":
    MediaInfoChild().run()
    sys.stdout.flush()
    # What is left to do costs time and helps nobody.
    os._exit(0)
