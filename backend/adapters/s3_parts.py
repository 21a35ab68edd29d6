"""The requests of an upload in parts."""

from collections.abc import Sequence
from contextlib import suppress

from backend.adapters.s3_connection import S3Errors
from backend.adapters.s3_part_plan import Cut
from backend.adapters.s3_target import Checksum, S3Target
from backend.adapters.s3_unfinished import UnfinishedUploads
from backend.adapters.source_file import FileWindow
from backend.domain.failures import JobFailed
from backend.use_cases.ports import SentPart


class S3Parts:
    """Blocking; every method raises `ObjectStoreAway` and `JobFailed`."""

    def __init__(self, target: S3Target) -> None:
        self._target = target

    def create(self) -> str:
        """The id of a new upload."""
        with self._target.translated():
            created = self._target.client.create_multipart_upload(
                **self._target.name, **self._target.headers, ChecksumAlgorithm="SHA256"
            )
        return str(created["UploadId"])

    def listed(self, upload_id: str) -> set[tuple[int, str, int]] | None:
        """Number, ETag and size of the stored parts; None if there is no such upload.

        A number that was sent twice may appear twice. A store that refuses to list
        parts counts as having none.
        """
        from botocore.exceptions import ClientError

        with suppress(JobFailed), self._target.translated():
            try:
                return self._list(upload_id)
            except ClientError as error:
                if not S3Errors.is_missing_upload(error):
                    raise
        return None

    def send(
        self, upload_id: str, cut: Cut, digest: bytes, window: FileWindow
    ) -> SentPart:
        checksum = Checksum.of(digest)
        with self._target.translated():
            sent = self._target.client.upload_part(
                **self._named(upload_id),
                PartNumber=cut.number,
                Body=window,
                ContentLength=cut.length,
                ChecksumSHA256=checksum,
            )
        confirmed = sent.get("ChecksumSHA256") == checksum
        return SentPart(cut.number, sent["ETag"], digest.hex(), confirmed)

    def complete(self, upload_id: str, parts: Sequence[SentPart]) -> None:
        """An error may come inside a 200 answer, which botocore treats as a 500."""
        named = [
            {
                "PartNumber": part.number,
                "ETag": part.etag,
                "ChecksumSHA256": Checksum.of_part(part),
            }
            for part in parts
        ]
        with self._target.translated():
            self._target.client.complete_multipart_upload(
                **self._named(upload_id), MultipartUpload={"Parts": named}
            )

    def end_others(self, upload_id: str) -> None:
        """Aborts uploads of killed attempts: only we may work on this key."""
        self._unfinished.end(besides=upload_id)

    def give_up(self, upload_id: str) -> None:
        """As `UnfinishedUploads.give_up`."""
        self._unfinished.give_up(upload_id)

    def _list(self, upload_id: str) -> set[tuple[int, str, int]]:
        pages = self._target.client.get_paginator("list_parts").paginate(
            **self._named(upload_id)
        )
        return {
            (part["PartNumber"], part["ETag"], part["Size"])
            for page in pages
            for part in page.get("Parts", [])
        }

    @property
    def _unfinished(self) -> UnfinishedUploads:
        return UnfinishedUploads(
            self._target.client, self._target.name["Bucket"], self._target.name["Key"]
        )

    def _named(self, upload_id: str) -> dict[str, str]:
        return {**self._target.name, "UploadId": upload_id}
