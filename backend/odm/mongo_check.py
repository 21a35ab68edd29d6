"""Whether MongoDB answers."""

from typing import Final

import pymongo

from backend.odm.connection import MongoConnection


class MongoCheck:
    """Pings; the driver gives up soon, so that none of its threads is held for long."""

    _MOST_SECONDS: Final = 0.9

    def __init__(self, connection: MongoConnection) -> None:
        self._connection = connection

    async def ask(self) -> None:
        """Raises `DocumentStoreAway`."""
        async with self._connection.database() as database:
            with pymongo.timeout(self._MOST_SECONDS):
                await database.command("ping")
