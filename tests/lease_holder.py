"""A process that takes both leases of an upload and says so; then it is to be killed."""

import asyncio
import sys
from uuid import UUID

from backend.adapters.redis_hints import RedisHints
from backend.adapters.redis_ingest_leases import RedisIngestLeases


class LeaseHolder:
    """Never lets go by itself."""

    def __init__(self, redis_url: str) -> None:
        self._leases = RedisIngestLeases(RedisHints(redis_url, most_seconds=5.0))

    async def hold(self, owner_id: UUID, sha256: str) -> None:
        async with (
            self._leases.declared(owner_id, sha256),
            self._leases.received(sha256),
        ):
            print("held", flush=True)  # noqa: T201 - the test reads it
            await asyncio.Event().wait()


if __name__ == "__main__":
    url, owner, digest = sys.argv[1:]
    asyncio.run(LeaseHolder(url).hold(UUID(owner), digest))
