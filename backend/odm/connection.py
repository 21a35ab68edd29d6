"""The MongoDB client of this process."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import DocumentTooLarge, PyMongoError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from backend.domain.errors import DocumentStoreAway
from backend.domain.health import StoreName
from backend.domain.patience import Patience
from backend.use_cases.ports.metrics import UNOBSERVED, StoreObserver

Database = Any

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MongoSettings:
    """The address of MongoDB, and the time limit of one operation with all its
    retries."""

    url: str = field(repr=False)
    operation_seconds: float = 3.0
    default_database: str = "mediaproject"


class MongoClock(CommandListener):
    """Times each command, except those of the driver's own monitors."""

    def __init__(self, observer: StoreObserver) -> None:
        self._observer = observer

    def started(self, event: CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._tell(event, answered=True)

    def failed(self, event: CommandFailedEvent) -> None:
        self._tell(event, answered=False)

    def _tell(
        self, event: CommandSucceededEvent | CommandFailedEvent, *, answered: bool
    ) -> None:
        seconds = event.duration_micros / 1_000_000
        self._observer.asked(
            StoreName.MONGO, event.command_name, seconds, answered=answered
        )


class MongoConnection:
    """Makes the client on first need, for the running process and its event loop.

    A client that was made before a fork or on another loop does not work; it is
    replaced. Nothing is waited for longer than `operation_seconds` and a little.
    """

    # The driver keeps its own time, but on threads that may all be taken.
    _SLACK_SECONDS: Final = 1.0
    _SELECTION_MILLISECONDS: Final = 2_000
    _SOCKET_MILLISECONDS: Final = 5_000

    def __init__(
        self, settings: MongoSettings, observer: StoreObserver = UNOBSERVED
    ) -> None:
        self._settings = settings
        self._clock = MongoClock(observer)
        self._client: AsyncIOMotorClient[dict[str, Any]] | None = None
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._is_away = False

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """The database for one operation.

        Raises `DocumentStoreAway`, and passes `DocumentTooLarge` on: the limits of
        written documents prevent it.
        """
        limit = self._settings.operation_seconds + self._SLACK_SECONDS
        try:
            async with Patience.waiting(limit):
                yield self._current().get_default_database(
                    self._settings.default_database
                )
        except TimeoutError as error:
            self._note(f"No answer within {limit:g} s, or what was left of them.")
            raise DocumentStoreAway from error
        except DocumentTooLarge:
            # It answers, and would refuse this every time.
            raise
        except PyMongoError as error:
            self._note(str(error))
            raise DocumentStoreAway from error
        else:
            self._is_away = False

    def _note(self, reason: str) -> None:
        """Once until it answers again. Clients are not told: the driver names hosts,
        ports and members, none of them theirs to know."""
        if not self._is_away:
            _LOG.warning("mongo.away", reason=reason)
        self._is_away = True

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._home = None

    def _current(self) -> "AsyncIOMotorClient[dict[str, Any]]":
        home = (os.getpid(), asyncio.get_running_loop())
        if self._client is None or self._home != home:
            self._leave()
            self._client, self._home = self._make(home[1]), home
        return self._client

    def _leave(self) -> None:
        """Close the old client unless it is that of the parent of a fork."""
        if self._home is not None and self._home[0] == os.getpid():
            self.close()

    def _make(
        self, loop: asyncio.AbstractEventLoop
    ) -> "AsyncIOMotorClient[dict[str, Any]]":
        return AsyncIOMotorClient(
            self._settings.url,
            io_loop=loop,
            appname="mediaproject",
            # Bounds an operation with everything it does: selection, connection, retry.
            timeoutMS=int(self._settings.operation_seconds * 1000),
            serverSelectionTimeoutMS=self._SELECTION_MILLISECONDS,
            connectTimeoutMS=self._SELECTION_MILLISECONDS,
            socketTimeoutMS=self._SOCKET_MILLISECONDS,
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            uuidRepresentation="standard",
            tz_aware=True,
            event_listeners=[self._clock],
        )
