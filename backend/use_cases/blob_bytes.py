from dataclasses import dataclass
from typing import BinaryIO

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef
from backend.use_cases.ports import ObjectStorage, Staging


@dataclass(frozen=True, slots=True)
class BlobBytes:
    """Finds the bytes of a blob wherever they are."""

    staging: Staging
    storage: ObjectStorage

    async def open(self, blob: BlobRef) -> BinaryIO:
        """The staged file while there is one: it is near and in the page cache.

        Raises `JobFailed` with `object_missing`, or `staged_file_missing` if they were
        never stored, and what the two ports raise.
        """
        source = await self.staging.open(blob.staged_name)
        if source is None:
            source = await self.storage.download(blob.object_key)
        if source is None:
            raise self.lost(blob)
        return source

    @staticmethod
    def lost(blob: BlobRef) -> JobFailed:
        """Of bytes that were stored, an upload of the same ones heals the media."""
        code = (
            FailureCode.OBJECT_MISSING
            if blob.stored
            else FailureCode.STAGED_FILE_MISSING
        )
        return JobFailed(code, "The bytes are neither staged nor stored.")
