import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.adapters.s3_connection import S3Connection, S3Settings
from backend.adapters.s3_object_storage import S3ObjectStorage
from backend.adapters.stoppable_threads import StoppableThreads


class S3Lab:
    """Object storages on the S3 server of this test run, or on one that is broken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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
        storage = S3ObjectStorage(
            S3Connection(replace(self.settings, **changes)),
            StoppableThreads("s3", most=4),
            public_read,
            self.folder,
        )
        try:
            yield storage
        finally:
            storage.close()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Any]:
        connection = S3Connection(self.settings)
        try:
            yield connection.client
        finally:
            connection.close()
