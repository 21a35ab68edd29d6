"""Multipart uploads that were never ended: their parts take up room unseen."""

from contextlib import suppress
from typing import Any

from backend.adapters.s3_connection import S3Errors
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import JobFailed


class UnfinishedUploads:
    """Uploads under one key that belong to finished attempts."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._target = {"Bucket": bucket, "Key": key}

    def end(self, besides: str | None = None) -> None:
        """All but the one with this id.

        Raises `ObjectStoreAway`; a store that does not list them is believed.
        """
        with suppress(JobFailed), S3Errors.translated("looking for broken uploads"):
            found = self._client.list_multipart_uploads(
                Bucket=self._target["Bucket"], Prefix=self._target["Key"]
            )
            for upload in found.get("Uploads", []):
                if upload["Key"] == self._target["Key"]:
                    self._end(upload["UploadId"], besides)

    def give_up(self, upload_id: str) -> None:
        """Never raises: the next attempt on the key aborts what is left behind."""
        with (
            suppress(JobFailed, ObjectStoreAway),
            S3Errors.translated("aborting an upload"),
        ):
            self._end(upload_id)

    def _end(self, upload_id: str, besides: str | None = None) -> None:
        if upload_id != besides:
            self._client.abort_multipart_upload(**self._target, UploadId=upload_id)
