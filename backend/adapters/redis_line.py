"""One connection to Redis, shared by many callers at once."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias, cast

from hiredis import HiredisError, Reader, ReplyError, pack_command
from redis.asyncio.connection import (
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
    parse_url,
)

Command: TypeAlias = tuple[str | int | bytes, ...]
# One for each command, or None: nothing is known.
Answers: TypeAlias = Sequence[Any] | None

_INCOMPLETE = object()


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Address and credentials of a Redis, as redis-py reads its URLs."""

    connection: Connection | UnixDomainSocketConnection
    database: int

    @classmethod
    def of(cls, url: str, database: int) -> Self:
        """Every option of the URL counts but its database."""
        options: dict[str, Any] = {**parse_url(url)}
        for of_a_pool in ("max_connections", "timeout"):
            options.pop(of_a_pool, None)
        kind = options.pop("connection_class", Connection)
        return cls(kind(**options), database)

    @property
    def greeting(self) -> tuple[Command, ...]:
        password, username = self.connection.password, self.connection.username
        select: Command = ("SELECT", self.database)
        if not password:
            return (select,)
        return ("AUTH", username or "default", password), select

    async def open(self, line: "RedisLine") -> None:
        """Raises `OSError`."""
        loop, there = asyncio.get_running_loop(), self.connection
        if isinstance(there, UnixDomainSocketConnection):
            await loop.create_unix_connection(lambda: line, there.path)
            return
        tls = there.ssl_context.get() if isinstance(there, SSLConnection) else None
        await loop.create_connection(lambda: line, there.host, there.port, ssl=tls)


@dataclass(slots=True)
class _Asked:
    """Commands that went out together, and what has been answered so far."""

    count: int
    answered: asyncio.Future[Answers]
    answers: list[Any] = field(default_factory=list)


class RedisLine(asyncio.Protocol):
    """Commands go out at once, and answers come in the order of the commands.

    So no pool is needed, and a caller who stops waiting leaves nothing behind that
    another would take for its answer. `missed` is called with the reason for lost
    answers: all pending ones if the line breaks, or a single one that is an error.
    """

    def __init__(self, missed: Callable[[str], None]) -> None:
        self._missed = missed
        self._reader = Reader(notEnoughData=_INCOMPLETE)
        self._asked: deque[_Asked] = deque()
        # Commands to be sent only after authentication is complete.
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._is_given_up = False

    @property
    def is_broken(self) -> bool:
        """Whether the line is unusable."""
        lost = self._transport is not None and self._transport.is_closing()
        return self._is_given_up or lost

    def open(self, address: RedisAddress, most_seconds: float) -> None:
        """Begin to connect; commands sent meanwhile go out afterwards."""
        self._greeting = self._packed(address.greeting)
        self._expect(len(address.greeting)).add_done_callback(self._enter)
        self._opening = asyncio.create_task(self._connect(address, most_seconds))

    def ask(self, commands: Sequence[Command]) -> asyncio.Future[Answers]:
        """The result is None if the line breaks, or if one of the answers is an
        error."""
        packed = self._packed(commands)
        if self._is_open and self._transport is not None:
            self._transport.write(packed)
        else:
            self._unsent.append(packed)
        return self._expect(len(commands))

    def break_off(self, reason: str) -> None:
        """Give up the connection, and all unanswered commands."""
        self._is_given_up = True
        if self._transport is not None:
            self._transport.abort()
        if self._asked:
            self._missed(reason)
        while self._asked:
            self._asked.popleft().answered.set_result(None)

    async def drained(self, most_seconds: float) -> None:
        """Wait until everything is answered, at most for this long."""
        if self._asked:
            await asyncio.wait({self._asked[-1].answered}, timeout=most_seconds)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._is_given_up:
            self._transport.abort()
        else:
            self._transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not _INCOMPLETE:
                self._take(answer)
        except HiredisError as error:
            self.break_off(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_given_up:
            self.break_off(str(exc or "It has closed the connection."))

    async def _connect(self, address: RedisAddress, most_seconds: float) -> None:
        try:
            async with asyncio.timeout(most_seconds):
                await address.open(self)
        except (OSError, TimeoutError) as error:
            self.break_off(str(error) or "It cannot be reached in time.")

    def _enter(self, greeted: asyncio.Future[Answers]) -> None:
        if greeted.result() is None or self._transport is None or self.is_broken:
            self.break_off("It does not let us in.")
            return
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
        self._is_open = True

    @staticmethod
    def _packed(commands: Sequence[Command]) -> bytes:
        # Its stub knows commands of one word only.
        return b"".join(pack_command(c) for c in commands)  # type: ignore[arg-type]

    def _expect(self, count: int) -> asyncio.Future[Answers]:
        answered: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(count, answered))
        return answered

    def _take(self, answer: Any) -> None:
        if not self._asked:
            return  # The line was broken off while its last data was being read.
        asked = self._asked[0]
        asked.answers.append(answer)
        if len(asked.answers) < asked.count:
            return
        self._asked.popleft()
        errors = [one for one in asked.answers if isinstance(one, ReplyError)]
        if errors:
            self._missed(str(errors[0]))
        asked.answered.set_result(None if errors else asked.answers)
