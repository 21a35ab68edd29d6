"""Staged files as private objects, each under a key of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import Any, BinaryIO, Final
from uuid import UUID

import structlog

from backend.adapters.folder import Folder
from backend.adapters.s3_connection import S3Connection, S3Errors
from backend.adapters.s3_download import S3Download
from backend.adapters.s3_target import Checksum
from backend.adapters.s3_unfinished import UnfinishedUploads
from backend.adapters.stoppable_threads import Stop
from backend.domain.errors import ObjectStoreAway, StagingAway
from backend.domain.failures import JobFailed
from backend.use_cases.ports import HeldFile

_LOG = structlog.get_logger(__name__)


class StagedErrors:
    """Translates errors of the store for receivers and readers of staged files."""

    @classmethod
    @contextmanager
    def translated(cls, doing: str) -> Iterator[None]:
        """Raises `StagingAway`; `doing` completes "while …"."""
        try:
            with S3Errors.translated(doing):
                yield
        except (ObjectStoreAway, JobFailed) as error:
            _LOG.error("staging.failed", error=str(error))
            raise StagingAway("The object store does not stage bytes.") from error


@dataclass(frozen=True, slots=True)
class StagedPart:
    """A part that the store has taken; `size_bytes` of it."""

    number: int
    etag: str
    checksum: str
    size_bytes: int

    @property
    def named(self) -> dict[str, Any]:
        return {
            "PartNumber": self.number,
            "ETag": self.etag,
            "ChecksumSHA256": self.checksum,
        }


class S3StagedObjects:
    """The requests. Blocking; every method raises `StagingAway`.

    The policy of the bucket lets nobody else read this prefix, and what has not been
    completed cannot be read at all.
    """

    PREFIX: Final = "staging/"

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection

    def put(self, name: UUID, content: bytes | bytearray, digest: bytes) -> None:
        """All of a small file at once."""
        with StagedErrors.translated(f"staging {name}"):
            self._connection.client.put_object(
                **self._target(name),
                Body=content,
                ContentLength=len(content),
                ChecksumSHA256=Checksum.of(digest),
            )

    def begin(self, name: UUID) -> str:
        """The id of a new upload in parts."""
        with StagedErrors.translated(f"beginning to stage {name}"):
            begun = self._connection.client.create_multipart_upload(
                **self._target(name), ChecksumAlgorithm="SHA256"
            )
        return str(begun["UploadId"])

    def send(
        self, name: UUID, upload_id: str, number: int, content: bytearray
    ) -> StagedPart:
        checksum = Checksum.of(sha256(content).digest())
        with StagedErrors.translated(f"staging a part of {name}"):
            sent = self._connection.client.upload_part(
                **self._target(name),
                UploadId=upload_id,
                PartNumber=number,
                Body=content,
                ContentLength=len(content),
                ChecksumSHA256=checksum,
            )
        return StagedPart(number, sent["ETag"], checksum, len(content))

    def complete(self, name: UUID, upload_id: str, parts: Sequence[StagedPart]) -> None:
        """The object can be read when this returns, and has the size of its parts."""
        client, size = self._connection.client, sum(part.size_bytes for part in parts)
        with StagedErrors.translated(f"completing {name}"):
            client.complete_multipart_upload(
                **self._target(name),
                UploadId=upload_id,
                MultipartUpload={"Parts": [part.named for part in parts]},
            )
            there = client.head_object(**self._target(name))["ContentLength"]
        if there != size:
            raise StagingAway("The object store has staged another size than was sent.")

    def remove(self, name: UUID) -> None:
        """Unfinished uploads first: then none of them can become the object again."""
        client, target = self._connection.client, self._target(name)
        with StagedErrors.translated(f"removing {name}"):
            UnfinishedUploads(client, target["Bucket"], target["Key"]).end()
            client.delete_object(**target)

    def holds(self, name: UUID, size_bytes: int) -> bool:
        from botocore.exceptions import ClientError

        with StagedErrors.translated(f"asking for {name}"):
            try:
                head = self._connection.client.head_object(**self._target(name))
            except ClientError as error:
                if not S3Errors.is_absence(error):
                    raise
                return False
        return bool(head["ContentLength"] == size_bytes)

    def download(self, name: UUID, folder: Folder) -> BinaryIO | None:
        """In a file without a name. Raises `StorageFull` too."""
        from botocore.exceptions import ClientError

        target = self._target(name)
        bucket, key = target["Bucket"], target["Key"]
        with StagedErrors.translated(f"reading {name}"):
            try:
                client = self._connection.client
                return S3Download(client, bucket, key, folder, Stop()).run()
            except ClientError as error:
                if not S3Errors.is_absence(error):
                    raise
                return None

    def files(self) -> Iterator[HeldFile]:
        """Complete and unfinished uploads: either may have lost its owner."""
        with StagedErrors.translated("listing what is staged"):
            for found in self._listed("list_objects_v2", "Contents"):
                yield from self._file(found, "LastModified")
            for found in self._listed("list_multipart_uploads", "Uploads"):
                yield from self._file(found, "Initiated")

    def warm(self) -> None:
        _ = self._connection.client

    def close(self) -> None:
        self._connection.close()

    def _listed(self, operation: str, of: str) -> Iterator[dict[str, Any]]:
        pages = self._connection.client.get_paginator(operation).paginate(
            Bucket=self._connection.bucket, Prefix=self.PREFIX
        )
        for page in pages:
            yield from page.get(of, [])

    def _file(self, found: dict[str, Any], time: str) -> Iterator[HeldFile]:
        """None for a key that is not one of ours."""
        text = found["Key"].removeprefix(self.PREFIX)
        try:
            name = UUID(text)
        except ValueError:
            return
        if str(name) == text:
            size_bytes = found.get("Size", 0)
            yield HeldFile(name, found[time].astimezone(UTC), size_bytes)

    def _target(self, name: UUID) -> dict[str, str]:
        return {"Bucket": self._connection.bucket, "Key": f"{self.PREFIX}{name}"}
