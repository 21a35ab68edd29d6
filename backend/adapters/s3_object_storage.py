"""The CDN origin on any S3-compatible store."""

from typing import BinaryIO

from backend.adapters.blob_source import BlobSource
from backend.adapters.folder import Folder
from backend.adapters.s3_bucket import S3Bucket
from backend.adapters.s3_connection import S3Connection, S3Errors
from backend.adapters.s3_download import S3Download
from backend.adapters.s3_multipart_upload import S3MultipartUpload
from backend.adapters.s3_part_plan import PartPlan
from backend.adapters.s3_proof import S3Proof
from backend.adapters.s3_target import S3Target
from backend.adapters.s3_unfinished import UnfinishedUploads
from backend.adapters.s3_whole_upload import S3WholeUpload
from backend.adapters.stoppable_threads import Stop, StoppableThreads
from backend.domain.media import BlobRef, ObjectKey
from backend.use_cases.ports import (
    ByteCounter,
    CdnCache,
    StoredObject,
    UploadJournal,
)


class S3ObjectStorage:
    """`ObjectStorage` with boto3 on threads of its own."""

    def __init__(
        self,
        connection: S3Connection,
        threads: StoppableThreads,
        public_read: bool,
        download_folder: Folder,
        cdn_cache: CdnCache,
    ) -> None:
        self._connection = connection
        self._threads = threads
        self._bucket = S3Bucket(connection, public_read)
        self._download_folder = download_folder
        self._cdn_cache = cdn_cache

    async def put(self, blob: BlobRef, source: BinaryIO, moved: ByteCounter) -> None:
        target = S3Target(self._connection, blob)
        upload = S3WholeUpload(target, BlobSource(blob, source), moved)
        await self._threads.run(upload.run)

    async def put_resumably(
        self,
        blob: BlobRef,
        source: BinaryIO,
        moved: ByteCounter,
        journal: UploadJournal,
    ) -> None:
        if PartPlan(blob.size_bytes).fits_one_request:
            await self.put(blob, source, moved)
            return
        target = S3Target(self._connection, blob)
        upload = S3MultipartUpload(
            self._threads, target, BlobSource(blob, source), moved, journal
        )
        await upload.run()

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        return await self._threads.run(lambda stop: self._head(key))

    async def proves(self, blob: BlobRef) -> bool:
        target = S3Target(self._connection, blob)
        return await self._threads.run(lambda stop: self._proves(target, stop))

    async def download(self, key: ObjectKey) -> BinaryIO | None:
        return await self._threads.run(
            lambda stop: self._fetch(key, stop), discard=self._discard
        )

    async def remove(self, key: ObjectKey) -> None:
        await self._threads.run(lambda stop: self._remove(key))

    async def prepare(self) -> None:
        await self._threads.run(lambda stop: self._bucket.prepare())

    def close(self) -> None:
        self._threads.close()
        self._connection.close()

    def _head(self, key: ObjectKey) -> StoredObject | None:
        from botocore.exceptions import ClientError

        client = self._connection.client
        with S3Errors.translated(f"asking for {key}"):
            try:
                head = client.head_object(Bucket=self._connection.bucket, Key=str(key))
            except ClientError as error:
                if not S3Errors.is_absence(error):
                    raise
                self._check_bucket()
                return None
        return StoredObject(
            key, size_bytes=head["ContentLength"], sha256=head["Metadata"].get("sha256")
        )

    @staticmethod
    def _proves(target: S3Target, stop: Stop) -> bool:
        with S3Errors.translated(f"proving {target.blob.object_key}"):
            return S3Proof(target, stop).is_given()

    def _check_bucket(self) -> None:
        if not self._bucket.exists():
            raise S3Errors.no_bucket(self._connection.bucket)

    def _fetch(self, key: ObjectKey, stop: Stop) -> BinaryIO | None:
        from botocore.exceptions import ClientError

        client, bucket = self._connection.client, self._connection.bucket
        with S3Errors.translated(f"reading {key}"):
            try:
                return S3Download(
                    client, bucket, str(key), self._download_folder, stop
                ).run()
            except ClientError as error:
                if S3Errors.is_absence(error):
                    return None
                raise

    def _remove(self, key: ObjectKey) -> None:
        """The CDN comes last, or it would fetch the object again for the next who asks."""
        self._delete(key)
        self._cdn_cache.purge(key)

    def _delete(self, key: ObjectKey) -> None:
        """Unfinished uploads first: then none of them can become the object again."""
        client, bucket = self._connection.client, self._connection.bucket
        UnfinishedUploads(client, bucket, str(key)).end()
        with S3Errors.translated(f"removing {key}"):
            client.delete_object(Bucket=bucket, Key=str(key))

    @staticmethod
    def _discard(file: BinaryIO | None) -> None:
        if file is not None:
            file.close()
