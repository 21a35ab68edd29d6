"""Reads the technical metadata of a media with MediaInfo, in a separate process."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

from backend.adapters.child_process import ChildEnd, ChildLimits, ChildProcess
from backend.adapters.media_info_report import ReportTrimmer
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.metadata import MetadataReport


class MediaInfoExtractor:
    """`MetadataExtractor` with one child process for each file."""

    PROGRAM: Final = Path(__file__).with_name("media_info_child.py")
    _PACKAGES: Final = ("pymediainfo",)
    _CODES: ClassVar = {
        ChildEnd.FAILED: FailureCode.EXTRACTOR_CRASHED,
        ChildEnd.KILLED: FailureCode.EXTRACTOR_CRASHED,
        ChildEnd.TOO_TALKATIVE: FailureCode.EXTRACTOR_CRASHED,
        ChildEnd.OUT_OF_TIME: FailureCode.EXTRACTOR_TIMED_OUT,
        ChildEnd.OUT_OF_MEMORY: FailureCode.EXTRACTOR_OUT_OF_MEMORY,
        # Nothing is wrong with the file.
        ChildEnd.NOT_BOXED: FailureCode.INTERNAL_ERROR,
    }

    def __init__(
        self,
        limits: ChildLimits | None = None,
        program: Path = PROGRAM,
        kind: type[ChildProcess] = ChildProcess,
    ) -> None:
        self._child = kind(program, self._PACKAGES, limits)
        self._libraries = {name: version(name) for name in self._PACKAGES}

    async def extract(self, source: BinaryIO) -> MetadataReport:
        result = await self._child.run(source)
        if result.end is not ChildEnd.FINISHED:
            raise JobFailed(self._CODES[result.end], result.message)
        # A long report takes a while to read.
        report = await asyncio.to_thread(self._report, result.output)
        self._check_readable(report.tracks)
        return report

    def _report(self, output: bytes) -> MetadataReport:
        """The file may have taken over the child, so its output is checked too."""
        try:
            said = json.loads(output)
            trimmer = ReportTrimmer()
            return MetadataReport(
                tracks=tuple(trimmer.tracks(said["tracks"])),
                extractor=str(said["extractor"])[:100],
                extractor_version=str(said["version"])[:100],
                truncated=bool(said["truncated"]) or trimmer.truncated,
                libraries=self._libraries,
            )
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise JobFailed(
                FailureCode.EXTRACTOR_CRASHED, "The child did not write a report"
            ) from error

    @classmethod
    def _check_readable(cls, tracks: Iterable[Mapping[str, Any]]) -> None:
        kinds = {str(track["type"]): str(track.get("Format", "")) for track in tracks}
        container = kinds.get("General") or "no known format"
        if not any(cls._is_usable(track) for track in tracks):
            raise JobFailed(
                FailureCode.UNREADABLE_MEDIA,
                f"MediaInfo finds no video track that can be read in it ({container})",
            )
        if any(cls._is_cut_off(track) for track in tracks):
            raise JobFailed(
                FailureCode.UNREADABLE_MEDIA,
                f"The file ends before its boxes do: it was cut off ({container})",
            )

    @staticmethod
    def _is_usable(track: Mapping[str, Any]) -> bool:
        return bool(
            track["type"] == "Video"
            and track.get("Format")
            and (track.get("Width") or track.get("Duration"))
        )

    @staticmethod
    def _is_cut_off(track: Mapping[str, Any]) -> bool:
        """Streams and recordings end anywhere; an MP4 is written whole or damaged."""
        more = track.get("extra")
        return (
            track.get("Format") == "MPEG-4"
            and isinstance(more, Mapping)
            and more.get("IsTruncated") == "Yes"
        )
