"""Where a blob is stored, and how it is served from there."""

import base64
import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from backend.adapters.s3_connection import S3Connection, S3Errors
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef
from backend.use_cases.ports import SentPart


class Checksum:
    """SHA-256 as S3 writes it."""

    @staticmethod
    def of(digest: bytes) -> str:
        return base64.b64encode(digest).decode("ascii")

    @classmethod
    def of_part(cls, part: SentPart) -> str:
        return cls.of(bytes.fromhex(part.sha256))

    @classmethod
    def of_parts(cls, parts: Sequence[SentPart]) -> str:
        """The checksum of an object of parts: the hash of their hashes, and a count."""
        digests = b"".join(bytes.fromhex(part.sha256) for part in parts)
        return f"{cls.of(hashlib.sha256(digests).digest())}-{len(parts)}"


@dataclass(frozen=True, slots=True)
class S3Target:
    """The object that a blob becomes."""

    connection: S3Connection
    blob: BlobRef

    CACHE_CONTROL: ClassVar = "public, max-age=31536000, immutable"

    @property
    def client(self) -> Any:
        """Belongs on a thread, as that of the connection."""
        return self.connection.client

    @property
    def name(self) -> dict[str, str]:
        return {"Bucket": self.connection.bucket, "Key": str(self.blob.object_key)}

    @property
    def headers(self) -> dict[str, Any]:
        return {
            "ContentType": self.blob.media_type,
            "CacheControl": self.CACHE_CONTROL,
            "Metadata": {"sha256": self.blob.sha256},
        }

    def translated(self) -> AbstractContextManager[None]:
        """Errors inside the block become `ObjectStoreAway` or `JobFailed`."""
        return S3Errors.translated(f"storing {self.blob.object_key}")

    def damaged(self, seen: str) -> JobFailed:
        return JobFailed(
            FailureCode.OBJECT_DAMAGED, f"{self.blob.object_key} is not stored: {seen}"
        )
