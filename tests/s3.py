import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.adapters.folder import Folder
from backend.adapters.http_cdn_cache import NoCdnCache
from backend.adapters.s3_connection import S3Connection, S3Settings
from backend.adapters.s3_object_storage import S3ObjectStorage
from backend.adapters.stoppable_threads import StoppableThreads
from backend.domain.media import BlobRef


class S3Lab:
    """Object storages on the S3 server of this test run, or on one that is broken.

    They bring objects to `downloads`. `sent_parts` has the numbers of the parts that they have sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.downloads = Folder(folder, floor_bytes=0)
        self.sent_parts: list[int] = []
        self.settings = S3Settings(
            endpoint_url=os.environ["S3_ENDPOINT_URL"],
            bucket=os.environ["S3_BUCKET"],
            region="us-east-1",
            access_key_id=os.environ["S3_ACCESS_KEY_ID"],
            secret_access_key=os.environ["S3_SECRET_ACCESS_KEY"],
        )

    @asynccontextmanager
    async def storage(
        self, public_read: bool = True, **changes: Any
    ) -> AsyncIterator[S3ObjectStorage]:
        connection = S3Connection(replace(self.settings, **changes))
        self._listen(connection.client)
        storage = S3ObjectStorage(
            connection,
            StoppableThreads("s3", most=4),
            public_read,
            self.downloads,
            NoCdnCache(),
        )
        try:
            yield storage
        finally:
            storage.close()

    @staticmethod
    def unfinished(client: Any, blob: BlobRef) -> list[str]:
        """Ids of uploads in parts under the key of a blob."""
        found = client.list_multipart_uploads(
            Bucket="media", Prefix=str(blob.object_key)
        )
        return [upload["UploadId"] for upload in found.get("Uploads", [])]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        connection = S3Connection(self.settings)
        try:
            yield connection.client
        finally:
            connection.close()

    def _listen(self, client: Any) -> None:
        def note(params: dict[str, Any], **_: Any) -> None:
            self.sent_parts.append(params["PartNumber"])

        client.meta.events.register("provide-client-params.s3.UploadPart", note)
