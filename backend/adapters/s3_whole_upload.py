from backend.adapters.blob_source import BlobSource
from backend.adapters.s3_proof import S3Proof
from backend.adapters.s3_target import Checksum, S3Target
from backend.adapters.stoppable_threads import Stop
from backend.use_cases.ports import ByteCounter


class S3WholeUpload:
    """Sends a file in one request, and trusts nothing.

    The request carries the SHA-256 of its body, which the store compares with what it
    received; the file is hashed and compared with the blob before anything is sent.
    """

    def __init__(
        self, target: S3Target, source: BlobSource, moved: ByteCounter
    ) -> None:
        self._target = target
        self._source = source
        self._moved = moved

    def run(self, stop: Stop) -> None:
        """Raises `TransferStopped`, `ObjectStoreAway` and `JobFailed`."""
        size_bytes = self._target.blob.size_bytes
        with self._target.translated(), self._source.opened(stop) as file:
            checksum = Checksum.of(self._source.hash(file, 0, size_bytes))
            self._source.check()
            answer = self._target.client.put_object(
                **self._target.name,
                **self._target.headers,
                Body=file.window(0, size_bytes, self._moved),
                ContentLength=size_bytes,
                ChecksumSHA256=checksum,
            )
            confirmed = answer.get("ChecksumSHA256") == checksum
            S3Proof(self._target, stop).check(checksum, confirmed)
