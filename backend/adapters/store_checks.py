"""Whether Redis, the object store and the staging folder answer."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import quote, urlsplit

from backend.adapters.redis_hints import RedisHints
from backend.domain.errors import ObjectStoreAway
from backend.use_cases.ports import Staging


class RedisCheck:
    """Pings with a client of its own, which never leaves Redis alone for a while."""

    _MOST_SECONDS: Final = 0.9

    def __init__(self, redis_url: str) -> None:
        self._hints = RedisHints(redis_url, self._MOST_SECONDS, pause_seconds=0)

    async def ask(self) -> None:
        """Raises `ConnectionError`."""
        if await self._hints.ask(("PING",)) is None:
            raise ConnectionError("Redis does not answer.")

    async def close(self) -> None:
        await self._hints.close()


class S3Check:
    """Asks for the bucket without signing: a refusal is an answer, too.

    Needs no boto3, which takes a quarter of a second to import.
    """

    # For the connection and again for the answer; the thread is free after both.
    _MOST_SECONDS: Final = 0.9
    _SERVER_ERRORS: Final = 500

    def __init__(self, endpoint_url: str, bucket: str) -> None:
        self._address = urlsplit(endpoint_url)
        self._path = f"{self._address.path.rstrip('/')}/{quote(bucket)}"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="s3-check")

    async def ask(self) -> None:
        """Raises `ObjectStoreAway`, `OSError`."""
        await asyncio.wrap_future(self._thread.submit(self._head))

    def close(self) -> None:
        self._thread.shutdown()

    def _head(self) -> None:
        connection = self._connection()
        try:
            connection.request("HEAD", self._path)
            status = connection.getresponse().status
        except HTTPException as error:
            raise ObjectStoreAway(f"It does not speak HTTP: {error!r}") from error
        finally:
            connection.close()
        if status >= self._SERVER_ERRORS:
            raise ObjectStoreAway(f"It answers {status}.")

    def _connection(self) -> HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        kind = HTTPSConnection if self._address.scheme == "https" else HTTPConnection
        return kind(host, port, timeout=self._MOST_SECONDS)


class StagingCheck:
    """Asks for room for nothing; `StorageFull` tells that the folder is there."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging

    async def ask(self) -> None:
        """Raises `StagingAway`, `StorageFull`."""
        await self._staging.check_room(0)
