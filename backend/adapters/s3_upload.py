"""One attempt to store a blob, and the proof that exactly its bytes arrived."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NoReturn

from backend.adapters.s3_connection import S3Errors
from backend.adapters.source_file import SourceFile
from backend.adapters.stoppable_threads import Stop
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import BlobRef

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PartPlan:
    """Cuts a size into parts: S3 takes 10,000 of them, none above 5 GiB."""

    LEAST_PART_BYTES: ClassVar = 16 * MEBIBYTE
    MOST_PARTS: ClassVar = 9_000

    size_bytes: int

    @property
    def part_bytes(self) -> int:
        return max(self.LEAST_PART_BYTES, -(-self.size_bytes // self.MOST_PARTS))

    @property
    def fits_one_request(self) -> bool:
        return self.size_bytes <= self.LEAST_PART_BYTES

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Start and length of each part."""
        for start in range(0, self.size_bytes, self.part_bytes):
            yield start, min(self.part_bytes, self.size_bytes - start)


class S3Upload:
    """Sends the file and believes nothing.

    Every request carries the SHA-256 of its body, which the store compares with what it
    received, and the whole file is hashed on the way and compared with the blob before
    anything becomes visible. A store that does not confirm the checksums is read back.
    """

    CACHE_CONTROL: Final = "public, max-age=31536000, immutable"

    def __init__(
        self,
        client: Any,
        bucket: str,
        blob: BlobRef,
        source: SourceFile,
        moved: Callable[[int], None],
        stop: Stop,
    ) -> None:
        self._client = client
        self._blob = blob
        self._source = source
        self._moved = moved
        self._stop = stop
        self._target = {"Bucket": bucket, "Key": str(blob.object_key)}
        self._whole = hashlib.sha256()
        self._confirmed = True

    def run(self) -> None:
        """Raises `TransferStopped`, `ObjectStoreAway` and `JobFailed`."""
        if self._source.size_bytes != self._blob.size_bytes:
            self._damaged("the staged file has another size than was received")
        plan = PartPlan(self._blob.size_bytes)
        with S3Errors.translated(f"storing {self._blob.object_key}"):
            if plan.fits_one_request:
                checksum = self._send_whole()
            else:
                checksum = self._send_parts(plan)
            self._verify(checksum)

    @property
    def _headers(self) -> dict[str, Any]:
        return {
            "ContentType": self._blob.media_type,
            "CacheControl": self.CACHE_CONTROL,
            "Metadata": {"sha256": self._blob.sha256},
        }

    def _send_whole(self) -> str:
        digest = self._source.hash(0, self._blob.size_bytes, self._whole)
        self._check_source()
        checksum = self._encoded(digest)
        self._confirm(
            checksum,
            self._client.put_object(
                **self._target,
                **self._headers,
                Body=self._source.window(0, self._blob.size_bytes, self._moved),
                ContentLength=self._blob.size_bytes,
                ChecksumSHA256=checksum,
            ),
        )
        return checksum

    def _send_parts(self, plan: PartPlan) -> str:
        self._abort_leftovers()
        upload = self._client.create_multipart_upload(
            **self._target, **self._headers, ChecksumAlgorithm="SHA256"
        )
        named = {**self._target, "UploadId": upload["UploadId"]}
        try:
            parts = [
                self._send_part(named, number, start, length)
                for number, (start, length) in enumerate(plan, start=1)
            ]
            self._check_source()
            self._client.complete_multipart_upload(
                **named, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            self._abort(named)
            raise
        return self._composite(parts)

    def _send_part(
        self, named: dict[str, str], number: int, start: int, length: int
    ) -> dict[str, Any]:
        self._stop.check()
        checksum = self._encoded(self._source.hash(start, length, self._whole))
        sent = self._client.upload_part(
            **named,
            PartNumber=number,
            Body=self._source.window(start, length, self._moved),
            ContentLength=length,
            ChecksumSHA256=checksum,
        )
        self._confirm(checksum, sent)
        return {"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum}

    def _abort_leftovers(self) -> None:
        """End uploads of attempts that were killed: only we may work on this key."""
        with suppress(JobFailed), S3Errors.translated("looking for broken uploads"):
            found = self._client.list_multipart_uploads(
                Bucket=self._target["Bucket"], Prefix=self._target["Key"]
            )
            for upload in found.get("Uploads", []):
                if upload["Key"] == self._target["Key"]:
                    self._abort({**self._target, "UploadId": upload["UploadId"]})

    def _abort(self, named: dict[str, str]) -> None:
        # What is left behind is found by the next attempt on this key.
        with (
            suppress(JobFailed, ObjectStoreAway),
            S3Errors.translated("aborting an upload"),
        ):
            self._client.abort_multipart_upload(**named)

    def _check_source(self) -> None:
        if self._whole.hexdigest() != self._blob.sha256:
            self._damaged("the staged file has other bytes than were received")

    def _confirm(self, checksum: str, answer: dict[str, Any]) -> None:
        self._confirmed &= answer.get("ChecksumSHA256") == checksum

    def _verify(self, checksum: str) -> None:
        head = self._client.head_object(**self._target, ChecksumMode="ENABLED")
        if head["ContentLength"] != self._blob.size_bytes:
            self._remove_damaged("the stored object has another size than was sent")
        if head.get("ChecksumSHA256", checksum) != checksum:
            self._remove_damaged("the stored object has another checksum than was sent")
        if not self._confirmed and self._read_back() != self._blob.sha256:
            self._remove_damaged("the stored object reads back as other bytes")

    def _read_back(self) -> str:
        digest = hashlib.sha256()
        with closing(self._client.get_object(**self._target)["Body"]) as body:
            for chunk in body.iter_chunks(MEBIBYTE):
                self._stop.check()
                digest.update(chunk)
        return digest.hexdigest()

    def _remove_damaged(self, seen: str) -> NoReturn:
        self._client.delete_object(**self._target)
        self._damaged(seen)

    def _damaged(self, seen: str) -> NoReturn:
        raise JobFailed(
            FailureCode.OBJECT_DAMAGED, f"{self._blob.object_key} is not stored: {seen}"
        )

    @staticmethod
    def _encoded(digest: bytes) -> str:
        return base64.b64encode(digest).decode("ascii")

    @classmethod
    def _composite(cls, parts: list[dict[str, Any]]) -> str:
        """S3's checksum of an object of parts: the hash of their hashes, and a count."""
        digests = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts)
        return f"{cls._encoded(hashlib.sha256(digests).digest())}-{len(parts)}"
