"""Downloads an object into a temporary file."""

import hashlib
from contextlib import closing
from typing import Any, BinaryIO, Final

from backend.adapters.disk import DiskErrors
from backend.adapters.folder import Folder
from backend.adapters.s3_connection import S3Errors
from backend.adapters.stoppable_threads import Stop
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import FailureCode, JobFailed


class S3Download:
    """Reads an object to its end, resuming where a connection broke.

    Reads nothing if the folder has no room for the object, so that others keep theirs.
    """

    _CHUNK_BYTES: Final = 1024 * 1024
    _TRIES: Final = 4

    def __init__(
        self, client: Any, bucket: str, key: str, folder: Folder, stop: Stop
    ) -> None:
        self._client = client
        self._target = {"Bucket": bucket, "Key": key}
        self._folder = folder
        self._stop = stop
        self._digest = hashlib.sha256()
        self._have = 0

    def run(self) -> BinaryIO:
        """The bytes in a file without a name, at its beginning.

        Raises botocore's errors, `ObjectStoreAway`, `StagingAway`, `StorageFull` and
        `JobFailed` with `object_damaged`.
        """
        # If nothing is staged on the disk, nothing else creates the folder.
        with DiskErrors.translated():
            self._folder.make()
            file = self._folder.nameless()
        try:
            self._fill(file)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _fill(self, file: BinaryIO) -> None:
        answer = self._client.get_object(**self._target)
        size, sha256 = answer["ContentLength"], answer["Metadata"].get("sha256")
        self._copy(answer, file)
        for _ in range(self._TRIES - 1):
            if self._have < size:
                self._go_on(file, answer["ETag"])
        if self._have < size:
            raise ObjectStoreAway(f"{self._target['Key']} breaks off again and again")
        if sha256 is not None and sha256 != self._digest.hexdigest():
            raise JobFailed(
                FailureCode.OBJECT_DAMAGED,
                f"{self._target['Key']} reads back as other bytes than were stored",
            )

    def _go_on(self, file: BinaryIO, etag: str) -> None:
        with S3Errors.translated("going on with a download"):
            rest = self._client.get_object(
                **self._target, Range=f"bytes={self._have}-", IfMatch=etag
            )
        self._copy(rest, file)

    def _copy(self, answer: dict[str, Any], file: BinaryIO) -> None:
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        with closing(answer["Body"]) as body:
            self._folder.check_room(answer["ContentLength"])
            try:
                while chunk := body.read(self._CHUNK_BYTES):
                    self._stop.check()
                    # Others may fill the same disk meanwhile.
                    self._folder.check_room(len(chunk))
                    file.write(chunk)
                    self._digest.update(chunk)
                    self._have += len(chunk)
            except (HTTPClientError, IncompleteReadError):
                return
