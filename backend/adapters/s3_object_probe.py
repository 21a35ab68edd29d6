"""One question to the object store, light enough for a request."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from backend.adapters.s3_connection import S3Errors, S3Settings
from backend.adapters.stoppable_threads import StoppableThreads
from backend.domain.health import StoreName
from backend.domain.media import ObjectKey
from backend.use_cases.ports import StoredObject
from backend.use_cases.ports.metrics import UNOBSERVED, StoreObserver


class S3ObjectProbe:
    """`ObjectProbe` by a signed HEAD on kept connections, without a client of boto3.

    To import boto3 and make a client takes up to a second with the interpreter's lock
    held: other requests would stall, and the store would seem silent. The imports here
    also take too long for a request, so the object is made beforehand.
    """

    def __init__(
        self,
        settings: S3Settings,
        threads: StoppableThreads,
        observer: StoreObserver = UNOBSERVED,
    ) -> None:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.httpsession import URLLib3Session

        self._bucket = settings.bucket
        self._bucket_url = f"{settings.endpoint_url.rstrip('/')}/{settings.bucket}"
        self._threads = threads
        self._observer = observer
        self._request: Callable[..., Any] = AWSRequest
        self._auth: Any = S3SigV4Auth(
            Credentials(settings.access_key_id, settings.secret_access_key),
            "s3",
            settings.region,
        )
        # It takes both limits as a pair, which the stubs do not know.
        limits: Any = (settings.connect_timeout_seconds, settings.read_timeout_seconds)
        self._session: Any = URLLib3Session(
            timeout=limits, max_pool_connections=settings.connections
        )

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        return await self._threads.run(lambda stop: self._stat(key))

    async def check_bucket(self) -> None:
        """Whether the bucket is there, and ours. Raises as `stat` does."""
        await self._threads.run(lambda stop: self._check_bucket())

    def close(self) -> None:
        self._threads.close()
        self._session.close()

    def _stat(self, key: ObjectKey) -> StoredObject | None:
        found = self._head(f"/{quote(str(key))}", f"asking for {key}")
        if found is None:
            self._check_bucket()
            return None
        return StoredObject(
            key,
            size_bytes=int(found["content-length"]),
            sha256=found.get("x-amz-meta-sha256"),
        )

    def _check_bucket(self) -> None:
        if self._head("", f"asking for the bucket {self._bucket}") is None:
            raise S3Errors.no_bucket(self._bucket)

    def _head(self, path: str, doing: str) -> Any:
        """The headers of the object, or None."""
        response = self._sent(path, doing)
        if response.status_code == 404:
            return None
        if response.status_code != 200:
            raise S3Errors.of_status(response.status_code, doing)
        return response.headers

    def _sent(self, path: str, doing: str) -> Any:
        """Repeats the request if the store had closed the kept connection."""
        from botocore.exceptions import ConnectionClosedError

        with S3Errors.translated(doing), self._timed("HeadObject"):
            try:
                return self._session.send(self._signed(path))
            except ConnectionClosedError:
                return self._session.send(self._signed(path))

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        began, answered = time.monotonic(), False
        try:
            yield
            answered = True
        finally:
            seconds = time.monotonic() - began
            self._observer.asked(StoreName.S3, operation, seconds, answered=answered)

    def _signed(self, path: str) -> Any:
        request = self._request(method="HEAD", url=f"{self._bucket_url}{path}")
        self._auth.add_auth(request)
        return request.prepare()
