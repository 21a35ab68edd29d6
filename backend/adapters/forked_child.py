"""Children that are forked where their libraries are loaded already."""

import asyncio
import os
import socket
import subprocess
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from backend.adapters.child_process import (
    ChildLimits,
    ChildProcess,
    ChildResult,
    ChildTalk,
    RunningChild,
)

log = structlog.get_logger(__name__)


class StarterGone(Exception):
    """The process that forks the children has ended, and its children with it."""


class Starter:
    """A running `child_starter.py`, from which this process orders children."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._orders, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET, 0
        )
        # Orders wait while it still loads; the caller never waits to send one.
        self._orders.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        self.ordered = 0
        # Also if it is garbage collected, and when this process ends.
        self.close = weakref.finalize(self, self._end, self._orders, self._process)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def order(self, folder: str, descriptors: Sequence[int]) -> None:
        """As `ChildStarter` reads it. Raises `StarterGone`."""
        try:
            socket.send_fds(self._orders, [folder.encode()], descriptors)
        except OSError as error:
            raise StarterGone from error
        self.ordered += 1

    def retire(self) -> None:
        """It ends with its last child."""
        self._orders.close()

    @staticmethod
    def _end(orders: socket.socket, process: "subprocess.Popen[bytes]") -> None:
        """Blocking, but not for long: it is killed, and its children with it."""
        orders.close()
        process.kill()
        process.wait()


class ChildPipe(asyncio.Protocol):
    """What comes from a child through one pipe."""

    def __init__(
        self, received: Callable[[bytes], None], ended: Callable[[], None]
    ) -> None:
        self._received = received
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()


class ForkedProcess:
    """A child forked by the starter, which reports its end to us."""

    # Standard output and errors.
    _KINDS: Final = (1, 2)

    def __init__(self, talk: ChildTalk) -> None:
        self._talk = talk
        self._status = b""
        self._left = 3
        self._transports: list[asyncio.BaseTransport] = []
        self._channel, self._far_end = socket.socketpair()

    @property
    def status(self) -> int:
        """Raises `StarterGone`."""
        if not self._status:
            raise StarterGone
        return int(self._status)

    async def listen(self, theirs: ExitStack) -> Sequence[int]:
        """The descriptors that the child and its starter need; `theirs` closes them."""
        theirs.enter_context(self._far_end)
        streams = [await self._pipe(kind, theirs) for kind in self._KINDS]
        self._channel.setblocking(False)
        end, _ = await asyncio.get_running_loop().create_connection(
            partial(ChildPipe, self._tell, self._exit), sock=self._channel
        )
        self._transports.append(end)
        return [*streams, self._far_end.fileno()]

    def kill(self) -> None:
        """It cannot start processes, so it is the only one in its group."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for transport in self._transports:
            transport.close()
        self._channel.close()

    async def _pipe(self, kind: int, theirs: ExitStack) -> int:
        reading, writing = os.pipe()
        theirs.callback(os.close, writing)
        received = partial(self._talk.pipe_data_received, kind)
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            partial(ChildPipe, received, self._end), os.fdopen(reading, "rb", 0)
        )
        self._transports.append(pipe)
        return writing

    def _tell(self, status: bytes) -> None:
        self._status += status

    def _exit(self) -> None:
        self._talk.process_exited()
        self._end()

    def _end(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._talk.connection_lost(None)


class ForkedChild(ChildProcess):
    """A `ChildProcess` without the time that Python and the libraries take to load.

    One process forks them all; it loads what the program imports, if that is one of
    ours, and never sees a file. It is replaced now and then, for its children have the
    same addresses. If it is lost, the file is read by a child with a Python of its own.
    """

    _STARTER: Final = Path(__file__).with_name("child_starter.py")
    _MOST_CHILDREN: Final = 256

    def __init__(
        self,
        program: Path,
        packages: Sequence[str] = (),
        limits: ChildLimits | None = None,
    ) -> None:
        super().__init__(program, packages, limits)
        self._alone = ChildProcess(program, packages, limits)
        self._starter: Starter | None = None
        self._retired: list[Starter] = []

    async def run(self, source: BinaryIO) -> ChildResult:
        try:
            return await super().run(source)
        except StarterGone:
            log.warning("child.starter_gone", program=self._program.name)
        self.close()
        return await self._alone.run(source)

    def close(self) -> None:
        """Blocking, but not for long: children that are still running are killed."""
        for starter in (*self._retired, self._starter):
            if starter is not None:
                starter.close()
        self._starter = None
        self._retired.clear()

    async def _start(
        self, talk: ChildTalk, source: BinaryIO, folder: str
    ) -> RunningChild:
        child = ForkedProcess(talk)
        try:
            with ExitStack() as theirs:
                file = theirs.enter_context(self._read_only(source))
                others = await child.listen(theirs)
                self._current().order(folder, [file, *others])
        except BaseException:
            child.close()
            raise
        return child

    def _current(self) -> Starter:
        if self._starter is not None and self._starter.ordered >= self._MOST_CHILDREN:
            self._starter.retire()
            running = (starter for starter in self._retired if starter.is_running)
            self._retired = [*running, self._starter]
            self._starter = None
        if self._starter is None:
            command = self._command(self._STARTER, self._module)
            self._starter = Starter(command, self._ENVIRONMENT)
        return self._starter

    @property
    def _module(self) -> str:
        """Modules that are not ours are loaded by the children only."""
        ours = self._program.parent == self._STARTER.parent
        return f"backend.adapters.{self._program.stem}" if ours else ""
