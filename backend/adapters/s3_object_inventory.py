"""The contents of the bucket."""

from collections.abc import Iterator, Sequence
from datetime import UTC
from itertools import islice
from typing import Any, Final

from backend.adapters.s3_connection import S3Connection, S3Errors
from backend.adapters.stoppable_threads import Stop, StoppableThreads
from backend.domain.media import ObjectKey
from backend.use_cases.ports import HeldObject, HeldUpload


class S3ObjectInventory:
    """`ObjectInventory` by listing, a page after the other, on threads of its own."""

    # No store lists more at once.
    PAGE_MOST: Final = 1000

    def __init__(
        self,
        connection: S3Connection,
        threads: StoppableThreads,
        page_most: int = PAGE_MOST,
    ) -> None:
        self._connection = connection
        self._threads = threads
        self._page = {"PageSize": page_most}

    async def objects(self, after: str, most: int) -> Sequence[HeldObject]:
        return await self._threads.run(lambda stop: self._objects(after, most, stop))

    async def unfinished(self) -> Sequence[HeldUpload]:
        return await self._threads.run(self._unfinished)

    async def abort(self, upload: HeldUpload) -> None:
        await self._threads.run(lambda stop: self._abort(upload))

    def close(self) -> None:
        self._threads.close()
        self._connection.close()

    def _objects(self, after: str, most: int, stop: Stop) -> Sequence[HeldObject]:
        with S3Errors.translated("listing what is stored"):
            return list(islice(self._objects_after(after, stop), most))

    def _objects_after(self, after: str, stop: Stop) -> Iterator[HeldObject]:
        """Prefix by prefix, and without the folders in them: SeaweedFS goes through
        folders one by one, which is not the order of whole keys."""
        for prefix in ObjectKey.PREFIXES:
            if after < prefix:
                yield from self._listed(prefix, stop)
            elif after.startswith(prefix):
                yield from self._listed(prefix, stop, StartAfter=after)

    def _listed(self, prefix: str, stop: Stop, **start: str) -> Iterator[HeldObject]:
        pages = self._pages("list_objects_v2", Prefix=prefix, Delimiter="/", **start)
        for page in pages:
            stop.check()
            for found in page.get("Contents", []):
                if (key := ObjectKey.parsed(found["Key"])) is not None:
                    stored_at = found["LastModified"].astimezone(UTC)
                    yield HeldObject(key, found["Size"], stored_at)

    def _unfinished(self, stop: Stop) -> Sequence[HeldUpload]:
        with S3Errors.translated("listing unfinished uploads"):
            return list(self._uploads(stop))

    def _uploads(self, stop: Stop) -> Iterator[HeldUpload]:
        for page in self._pages("list_multipart_uploads"):
            stop.check()
            for found in page.get("Uploads", []):
                if (key := ObjectKey.parsed(found["Key"])) is not None:
                    begun_at = found["Initiated"].astimezone(UTC)
                    yield HeldUpload(key, found["UploadId"], begun_at)

    def _pages(self, operation: str, **asked: str) -> Iterator[Any]:
        """Lists to the end; a store that repeats pages counts as away."""
        pages: Iterator[Any] = iter(
            self._connection.client.get_paginator(operation).paginate(
                Bucket=self._connection.bucket, PaginationConfig=self._page, **asked
            )
        )
        return pages

    def _abort(self, upload: HeldUpload) -> None:
        client = self._connection.client
        with S3Errors.translated(f"aborting an upload of {upload.key}"):
            try:
                client.abort_multipart_upload(
                    Bucket=self._connection.bucket,
                    Key=str(upload.key),
                    UploadId=upload.upload_id,
                )
            except client.exceptions.NoSuchUpload:
                return
