import os
from typing import BinaryIO

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.metadata import MetadataReport


class CannedMetadataExtractor:
    """Reports the same for every MP4 that is complete; `failure` makes it fail."""

    TRACKS = (
        {"type": "General", "Format": "MPEG-4", "Duration": "1.000"},
        {"type": "Video", "Format": "AVC", "Width": "320", "Height": "180"},
        {"type": "Audio", "Format": "AAC", "Channels": "2"},
    )

    def __init__(self) -> None:
        self.failure: JobFailed | None = None
        self.calls = 0

    async def extract(self, source: BinaryIO) -> MetadataReport:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        size = os.fstat(source.fileno()).st_size
        if b"moov" not in os.pread(source.fileno(), size, 0):
            raise JobFailed(FailureCode.UNREADABLE_MEDIA, "There is no moov")
        return MetadataReport(self.TRACKS, "Canned", "1", truncated=False)
