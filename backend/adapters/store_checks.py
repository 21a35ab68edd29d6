"""Whether Redis, the object store and the staging folder answer."""

from typing import Final

from backend.adapters.redis_hints import RedisHints
from backend.adapters.s3_object_probe import S3ObjectProbe
from backend.domain.errors import ObjectStoreAway
from backend.domain.failures import JobFailed
from backend.use_cases.ports import Staging


class RedisCheck:
    """Pings with its own client, which has no pause after a missing answer."""

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
    """Checks the bucket with the credentials of uploads: wrong keys count as away
    too."""

    def __init__(self, probe: S3ObjectProbe) -> None:
        self._probe = probe

    async def ask(self) -> None:
        """Raises `ObjectStoreAway`."""
        try:
            await self._probe.check_bucket()
        except JobFailed as error:
            raise ObjectStoreAway(str(error)) from error


class StagingCheck:
    """Asks for room for zero bytes; `StorageFull` shows that the folder exists."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging

    async def ask(self) -> None:
        """Raises `StagingAway`, `StorageFull`."""
        await self._staging.check_room(0)
