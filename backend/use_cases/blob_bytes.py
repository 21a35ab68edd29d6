import asyncio
import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef
from backend.use_cases.ports import ObjectStorage, Staging

BLOCK_BYTES = 1024 * 1024
# Parsers and picture makers have limits of their own; the rest is for fetching the object.
SLOWEST_BYTES_PER_SECOND = 1024 * 1024
LEAST_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class BlobBytes:
    """Finds the bytes of a blob wherever they are."""

    staging: Staging
    storage: ObjectStorage

    @staticmethod
    def time_limit_seconds(blob: BlobRef) -> float:
        """How long a job may take that reads all of them."""
        return LEAST_SECONDS + blob.size_bytes / SLOWEST_BYTES_PER_SECOND

    async def open(self, blob: BlobRef) -> BinaryIO:
        """The staged file if it exists: it is local and in the page cache.

        Raises `JobFailed` with `object_missing`, or `staged_file_missing` if they were
        never stored, and what the two ports raise.
        """
        source = await self.staging.open(blob.staged_name)
        if source is None:
            source = await self.storage.download(blob.object_key)
        if source is None:
            raise self.lost(blob)
        return source

    async def open_proven(self, blob: BlobRef) -> BinaryIO:
        """The same after a full check: damaged bytes are never returned.

        A damaged staged file counts as missing. Raises `JobFailed` with
        `object_damaged` too.
        """
        staged = await self.staging.open(blob.staged_name)
        if staged is not None and await self._is_proven(staged, blob):
            return staged
        stored = await self.storage.download(blob.object_key)
        if stored is None:
            raise self.lost(blob)
        if await self._is_proven(stored, blob):
            return stored
        message = f"{blob.object_key} has other bytes than were received"
        raise JobFailed(FailureCode.OBJECT_DAMAGED, message)

    @classmethod
    async def _is_proven(cls, source: BinaryIO, blob: BlobRef) -> bool:
        """Leaves the file at its beginning, or closed if it has other bytes.

        Closing also ends a reading of it that nobody waits for any more.
        """
        with ExitStack() as closed:
            closed.enter_context(source)
            if await asyncio.to_thread(cls._sha256, source) != blob.sha256:
                return False
            source.seek(0)
            closed.pop_all()
        return True

    @staticmethod
    def _sha256(source: BinaryIO) -> str:
        digest = hashlib.sha256()
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
        return digest.hexdigest()

    @staticmethod
    def lost(blob: BlobRef) -> JobFailed:
        """If the bytes had been stored, an upload of the same bytes heals the media."""
        code = (
            FailureCode.OBJECT_MISSING
            if blob.stored
            else FailureCode.STAGED_FILE_MISSING
        )
        message = "The bytes that were received are neither staged nor stored."
        return JobFailed(code, message)
