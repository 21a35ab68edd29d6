"""Runs an untrusted program on one open file, with limits on all it may take."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from backend.adapters.disk import DiskErrors

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What the kernel grants one child; the names are those of `RLIMIT_…`."""

    AS: int = 1024 * MEBIBYTE
    CPU: int = 60
    FSIZE: int = 0
    NOFILE: int = 64
    CORE: int = 0


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What one child may take altogether."""

    resources: ResourceLimits = ResourceLimits()
    wall_seconds: float = 60
    output_bytes: int = 8 * MEBIBYTE


class ChildEnd(Enum):
    FINISHED = "finished"
    FAILED = "failed"
    KILLED = "was killed"
    OUT_OF_TIME = "took too long"
    OUT_OF_MEMORY = "ran out of memory"
    TOO_TALKATIVE = "wrote too much"
    NOT_BOXED = "could not be closed in and has read nothing"


@dataclass(frozen=True, slots=True)
class ChildResult:
    """How a child ended, what it wrote, and what a person should know about it."""

    end: ChildEnd
    output: bytes = field(repr=False)
    message: str


class ChildTalk(asyncio.SubprocessProtocol):
    """Collects what a child writes until it ends or has written too much."""

    _OUTPUT: Final = 1
    _ERROR_BYTES: Final = 16 * 1024

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.output = bytearray()
        self.errors = bytearray()
        self.over = asyncio.Event()
        self.exited = asyncio.Event()

    @property
    def is_too_long(self) -> bool:
        return len(self.output) > self._most_bytes

    @property
    def last_error(self) -> str:
        lines = self.errors.decode("utf-8", "replace").split("\n")
        shown = [line.strip() for line in lines if line.strip().isprintable()]
        return next((line[:300] for line in reversed(shown) if line), "")

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != self._OUTPUT:
            self.errors = (self.errors + data)[-self._ERROR_BYTES :]
        elif not self.is_too_long:
            self.output += data
        if self.is_too_long:
            self.over.set()

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The process has ended and all it wrote has been read."""
        self.over.set()


class RunningChild(Protocol):
    """A child that has been started; `status` is negative after a signal."""

    @property
    def status(self) -> int: ...

    def kill(self) -> None:
        """Kills its group too. Does nothing if it has ended already."""

    def close(self) -> None:
        """Close its pipes after it has ended."""


class ExecutedChild:
    """A child with a Python of its own."""

    def __init__(self, transport: asyncio.SubprocessTransport) -> None:
        self._transport = transport

    @property
    def status(self) -> int:
        return cast(int, self._transport.get_returncode())

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._transport.get_pid(), signal.SIGKILL)

    def close(self) -> None:
        self._transport.close()


class ChildProcess:
    """Starts a Python program as the leader of its own process group.

    Whatever happens, cancellation included, no process of the group is left when `run`
    returns. The program has the file as its standard input, only to be read and from
    its beginning, an empty folder as its current one, and nothing of our environment; it finds the named packages and those
    of the standard library. It has no network and reaches no other process: see
    `system_call_box.py`.
    """

    _BOX: Final = Path(__file__).with_name("boxed_child.py")
    # As in boxed_child.py, which is a program and not imported here.
    _MEMORY_EXIT: Final = 77
    _REFUSED_EXIT: Final = 78
    _MEMORY_WORDS: Final = (b"bad_alloc", b"MemoryError", b"Cannot allocate memory")
    _ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8"}

    def __init__(
        self,
        program: Path,
        packages: Sequence[str] = (),
        limits: ChildLimits | None = None,
    ) -> None:
        self._limits = limits or ChildLimits()
        self._program = program
        self._folders = list(dict.fromkeys(map(self._folder, ("backend", *packages))))

    async def run(self, source: BinaryIO) -> ChildResult:
        talk = ChildTalk(self._limits.output_bytes)
        with self._empty_folder() as folder:
            child = await self._start(talk, source, folder)
            try:
                async with asyncio.timeout(self._limits.wall_seconds):
                    await talk.over.wait()
            except TimeoutError:
                seen = f"The child did not end within {self._limits.wall_seconds:g} s"
                return ChildResult(ChildEnd.OUT_OF_TIME, b"", seen)
            finally:
                child.kill()
                await talk.exited.wait()
                child.close()
        return self._result(talk, child.status)

    async def _start(
        self, talk: ChildTalk, source: BinaryIO, folder: str
    ) -> RunningChild:
        with self._read_only(source) as descriptor:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: talk,
                *self._command(self._BOX),
                stdin=descriptor,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env=self._ENVIRONMENT,
                start_new_session=True,
            )
        return ExecutedChild(transport)

    def _command(self, starter: Path, *more: str) -> list[str]:
        """-I: nothing from the environment or the current folder; -S: no site, which
        takes longer than all the rest; -B: no bytecode is written.
        """
        return [
            *(sys.executable, "-I", "-S", "-B", str(starter)),
            json.dumps(asdict(self._limits.resources)),
            str(self._program),
            *more,
            *self._folders,
        ]

    @staticmethod
    @contextmanager
    def _empty_folder() -> Iterator[str]:
        with DiskErrors.translated("folder of temporary files"):
            folder = tempfile.TemporaryDirectory(
                prefix="child-", ignore_cleanup_errors=True
            )
        with folder as name:
            yield name

    @staticmethod
    @contextmanager
    def _read_only(source: BinaryIO) -> Iterator[int]:
        """The same file, opened again: ours may be open for writing, and holds our
        locks."""
        descriptor = os.open(f"/proc/self/fd/{source.fileno()}", os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _result(self, talk: ChildTalk, status: int) -> ChildResult:
        if talk.is_too_long:
            end = ChildEnd.TOO_TALKATIVE
        else:
            end = self._end(status, bytes(talk.errors))
        return ChildResult(end, bytes(talk.output), self._message(end, status, talk))

    @classmethod
    def _end(cls, status: int, errors: bytes) -> ChildEnd:
        if status == 0:
            return ChildEnd.FINISHED
        if status == cls._REFUSED_EXIT:
            return ChildEnd.NOT_BOXED
        if status == -signal.SIGXCPU:
            return ChildEnd.OUT_OF_TIME
        if status == cls._MEMORY_EXIT or any(
            word in errors for word in cls._MEMORY_WORDS
        ):
            return ChildEnd.OUT_OF_MEMORY
        return ChildEnd.KILLED if status < 0 else ChildEnd.FAILED

    @classmethod
    def _message(cls, end: ChildEnd, status: int, talk: ChildTalk) -> str:
        how = f"exit status {status}"
        if status < 0:
            how = f"signal {cls._signal(-status)}"
        said = f": {talk.last_error}" if talk.last_error else ""
        return f"The child {end.value} ({how}){said}"

    @staticmethod
    def _signal(number: int) -> str:
        """Its name; most of the real-time signals have none."""
        try:
            return signal.Signals(number).name
        except ValueError:
            return str(number)

    @staticmethod
    def _folder(package: str) -> str:
        """Where the package is imported from; it is not imported."""
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(package)
        return str(Path(spec.origin).parents[1])
