"""One connection to PostgreSQL on which statements are awaited, without a thread."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from psycopg import AsyncConnection, Error, OperationalError, errors
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

Row = TypeVar("Row")
Value = Any


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with `$1`, `$2` … in place of its values.

    A `prepared` statement is planned once for all values, so use it only if one plan
    suits them all. There must be few, as each connection keeps every one that it has
    run.
    """

    text: str
    prepared: bool = False


class DatabaseLine:
    """Asks libpq itself, by psycopg's wrapper of it, on the loop that it was opened on.

    `AsyncConnection` would wait for the server when its caller is cancelled, and needs
    more than twice the processor time. One statement at a time; after one that failed
    or was abandoned, the line can only be closed.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection  # It would warn if it was forgotten while open.
        self._server = connection.pgconn
        self._loader = Transformer(connection)
        self._names: dict[Statement, bytes] = {}
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._loop = asyncio.get_running_loop()
        # libpq closes its socket by itself, and the descriptor may be reused.
        self._socket: int | None = self._server.socket
        self._server.nonblocking = 1
        self._loop.add_reader(self._socket, self._receive)

    @classmethod
    async def open(cls, **parameters: Any) -> Self:
        """Raises `psycopg.Error`."""
        return cls(await AsyncConnection.connect(autocommit=True, **parameters))

    @property
    def is_usable(self) -> bool:
        """Whether the server has not ended the connection since its last answer."""
        if self._socket is not None:
            self._receive()
        return self._server.transaction_status == TransactionStatus.IDLE

    async def rows(
        self,
        statement: Statement,
        values: Sequence[Value],
        make: Callable[[Sequence[Any]], Row],
    ) -> list[Row]:
        """Raises `psycopg.Error`."""
        texts = [None if v is None else str(v).encode() for v in values]
        if statement.prepared:
            name = self._names.get(statement) or await self._prepared(statement)
            self._server.send_query_prepared(name, texts, None, Format.BINARY)
        else:
            text = statement.text.encode()
            self._server.send_query_params(text, texts, None, None, Format.BINARY)
        result = await self._answered(ExecStatus.TUPLES_OK)
        self._loader.set_pgresult(result)
        return self._loader.load_rows(0, result.ntuples, make)

    def close(self) -> None:
        self._end(OperationalError("the connection was closed"))

    async def _prepared(self, statement: Statement) -> bytes:
        name = f"s{len(self._names)}".encode()
        self._server.send_prepare(name, statement.text.encode())
        await self._answered(ExecStatus.COMMAND_OK)
        self._names[statement] = name
        return name

    async def _answered(self, expected: ExecStatus) -> PGresult:
        self._answer = self._loop.create_future()
        self._send()
        result = await self._answer
        if result.status != expected:
            raise self._error(result)
        return result

    @staticmethod
    def _error(result: PGresult) -> Error:
        state = result.error_field(DiagnosticField.SQLSTATE) or b""
        try:
            kind: type[Error] = errors.lookup(state.decode())
        except KeyError:
            kind = Error
        return kind(result.error_message.decode(errors="replace").strip())

    def _send(self) -> None:
        """Bytes that do not fit into the socket are sent when there is room."""
        if self._socket is None:
            return
        try:
            if self._server.flush():
                self._loop.add_writer(self._socket, self._send)
            else:
                self._loop.remove_writer(self._socket)
        except Error as error:
            self._end(error)

    def _receive(self) -> None:
        """Also reads unrequested messages, such as the end of the connection."""
        try:
            self._server.consume_input()
            while not self._server.is_busy():
                result = self._server.get_result()
                if result is None:
                    self._tell()
                    return
                self._result = result
        except Error as error:
            self._end(error)

    def _tell(self) -> None:
        """The statement has ended: its last result is the answer."""
        answer, self._answer = self._answer, None
        result, self._result = self._result, None
        if answer is not None and result is not None and not answer.done():
            answer.set_result(result)

    def _end(self, error: Error) -> None:
        answer, self._answer = self._answer, None
        socket, self._socket = self._socket, None
        if socket is not None:
            self._loop.remove_reader(socket)
            self._loop.remove_writer(socket)
            self._server.finish()
        if answer is not None and not answer.done():
            answer.set_exception(error)
