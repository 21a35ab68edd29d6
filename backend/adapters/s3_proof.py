"""The proof that exactly the bytes of a blob are stored."""

import hashlib
from contextlib import closing
from typing import NoReturn

from backend.adapters.s3_connection import S3Errors
from backend.adapters.s3_part_plan import MEBIBYTE
from backend.adapters.s3_target import Checksum, S3Target
from backend.adapters.stoppable_threads import Stop


class S3Proof:
    """Looks at the object; a store that has not confirmed the checksums is read back."""

    def __init__(self, target: S3Target, stop: Stop) -> None:
        self._target = target
        self._stop = stop

    def check(self, checksum: str, confirmed: bool) -> None:
        """Removes a damaged object. Raises `JobFailed`, and botocore's errors."""
        blob, client = self._target.blob, self._target.client
        head = client.head_object(**self._target.name, ChecksumMode="ENABLED")
        if head["ContentLength"] != blob.size_bytes:
            self._remove("the stored object has another size than was sent")
        if head.get("ChecksumSHA256", checksum) != checksum:
            self._remove("the stored object has another checksum than was sent")
        if not confirmed and self._read_back() != blob.sha256:
            self._remove("the stored object reads back as other bytes")

    def is_given(self) -> bool:
        """Whether they are stored, no matter which attempt put them or how it ended.

        If the store has no checksum, as for an object of parts, they are read back.
        Raises botocore's errors.
        """
        from botocore.exceptions import ClientError

        try:
            return self._is_given()
        except ClientError as error:
            if not S3Errors.is_absence(error):
                raise
            return False

    def _is_given(self) -> bool:
        blob, client = self._target.blob, self._target.client
        head = client.head_object(**self._target.name, ChecksumMode="ENABLED")
        if head["ContentLength"] != blob.size_bytes:
            return False
        checksum = Checksum.of(bytes.fromhex(blob.sha256))
        if head.get("ChecksumSHA256") == checksum:
            return True
        return self._read_back() == blob.sha256

    def _read_back(self) -> str:
        digest = hashlib.sha256()
        answer = self._target.client.get_object(**self._target.name)
        with closing(answer["Body"]) as body:
            for chunk in body.iter_chunks(MEBIBYTE):
                self._stop.check()
                digest.update(chunk)
        return digest.hexdigest()

    def _remove(self, seen: str) -> NoReturn:
        self._target.client.delete_object(**self._target.name)
        raise self._target.damaged(seen)
