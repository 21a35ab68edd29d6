"""Reads the technical metadata of a media with MediaInfo, at arm's length."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

from backend.adapters.child_process import ChildEnd, ChildLimits, ChildProcess
from backend.adapters.media_info_report import ReportTrimmer
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.metadata import MetadataReport


class MediaInfoExtractor:
    """`MetadataExtractor` with one child process for each file."""

    PROGRAM: Final = Path(__file__).with_name("media_info_child.py")
    _PACKAGES: Final = ("backend", "pymediainfo")
    _CODES: ClassVar = {
        ChildEnd.FAILED: FailureCode.EXTRACTOR_CRASHED,
        ChildEnd.KILLED: FailureCode.EXTRACTOR_CRASHED,
        ChildEnd.TOO_TALKATIVE: FailureCode.EXTRACTOR_CRASHED,
        ChildEnd.OUT_OF_TIME: FailureCode.EXTRACTOR_TIMED_OUT,
        ChildEnd.OUT_OF_MEMORY: FailureCode.EXTRACTOR_OUT_OF_MEMORY,
    }

    def __init__(
        self, limits: ChildLimits | None = None, program: Path = PROGRAM
    ) -> None:
        self._child = ChildProcess(program, self._PACKAGES, limits)

    async def extract(self, source: BinaryIO) -> MetadataReport:
        result = await self._child.run(source)
        if result.end is not ChildEnd.FINISHED:
            raise JobFailed(self._CODES[result.end], result.message)
        # A long report takes a while to read.
        report = await asyncio.to_thread(self._report, result.output)
        self._check_readable(report.tracks)
        return report

    @classmethod
    def _report(cls, output: bytes) -> MetadataReport:
        """The child may have been taken over by the file: its word is checked too."""
        try:
            said = json.loads(output)
            trimmer = ReportTrimmer()
            return MetadataReport(
                tracks=tuple(trimmer.tracks(said["tracks"])),
                extractor=str(said["extractor"])[:100],
                extractor_version=str(said["version"])[:100],
                truncated=bool(said["truncated"]) or trimmer.truncated,
            )
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise JobFailed(
                FailureCode.EXTRACTOR_CRASHED, "The child did not write a report"
            ) from error

    @classmethod
    def _check_readable(cls, tracks: Iterable[Mapping[str, Any]]) -> None:
        kinds = {str(track["type"]): str(track.get("Format", "")) for track in tracks}
        if any(cls._is_usable(track) for track in tracks):
            return
        container = kinds.get("General") or "no known format"
        raise JobFailed(
            FailureCode.UNREADABLE_MEDIA,
            f"MediaInfo finds no video track that can be read in it ({container})",
        )

    @staticmethod
    def _is_usable(track: Mapping[str, Any]) -> bool:
        return bool(
            track["type"] == "Video"
            and track.get("Format")
            and (track.get("Width") or track.get("Duration"))
        )
