"""Staging in a folder of the local disk: received bytes are files named by a uuid."""

import ctypes
import functools
import hashlib
import itertools
import os
import threading
from collections.abc import Callable
from io import BufferedReader, FileIO
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

import structlog

from backend.adapters.disk import DiskErrors, DiskThreads
from backend.adapters.disk_file import DiskFile
from backend.adapters.folder import Folder
from backend.adapters.locked_file import LockedFile
from backend.domain.errors import StagingAway
from backend.domain.media import StagedFile
from backend.use_cases.ports import IncomingFile

_LOG = structlog.get_logger(__name__)


class WriteLanes:
    """Single threads that incoming files share in turn: each writes its batches in
    order, without waiting for the fsync of another."""

    def __init__(self, count: int) -> None:
        self._lanes = [DiskThreads(1) for _ in range(count)]
        self._turns = itertools.cycle(self._lanes)

    def next(self) -> DiskThreads:
        return next(self._turns)

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()


class EarlyWriteback:
    """Starts writing to disk while more bytes arrive, so that the fsync at the end is
    short.

    Only a hint: durability comes from the fsync, and without the call nothing is lost.
    """

    _EVERY_BYTES = 8 * 1024**2
    _WRITE = 2  # SYNC_FILE_RANGE_WRITE
    _sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._begun_bytes = 0

    def reached(self, size_bytes: int) -> None:
        length = size_bytes - self._begun_bytes
        if self._sync_file_range is None or length < self._EVERY_BYTES:
            return
        start, size = map(ctypes.c_int64, (self._begun_bytes, length))
        self._sync_file_range(self._file.fileno(), start, size, self._WRITE)
        self._begun_bytes = size_bytes


class FolderIncomingFile:
    """One file being received; the descriptor holds the lock until the file is ended."""

    def __init__(
        self,
        name: UUID,
        file: FileIO,
        folder: Folder,
        threads: DiskThreads,
        lane: DiskThreads,
        fsync: bool,
    ) -> None:
        self.name = name
        self._file = file
        self._folder = folder
        self._threads = threads
        self._lane = lane
        self._fsync = fsync
        self._writeback = EarlyWriteback(file)
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        # `discard` may come while a cancelled `write` is still on its thread.
        self._busy = threading.Lock()

    async def write(self, batch: bytes | bytearray | memoryview) -> None:
        await self._lane.run(functools.partial(self._write, batch))

    def received(self) -> StagedFile:
        return self._described(sealed=False)

    async def seal(self) -> StagedFile:
        return await self._threads.run(self._seal)

    async def keep(self) -> None:
        await self._threads.run(self._end)

    async def discard(self) -> None:
        """Returns when the name is removed; the disk frees the space later."""
        await self._threads.run_until_told(self.remove)

    def remove(self, removed: Callable[[], object]) -> None:
        """Blocking: remove the file, signal that, and close it."""
        self._end(self._unlink, removed)

    def _end(self, *steps: Callable[[], object]) -> None:
        """Close the file, which unlocks it, after these steps."""
        with self._busy:
            if self._file.closed:
                return
            try:
                with self._file:
                    for step in steps:
                        step()
            except OSError as error:
                # The caller cannot help; the sweep removes files without an owner.
                _LOG.warning("staging.not_ended", name=str(self.name), error=str(error))

    def _unlink(self) -> None:
        self._folder.path_of(self.name).unlink(missing_ok=True)

    def _write(self, batch: bytes | bytearray | memoryview) -> None:
        with self._busy, DiskErrors.translated():
            if self._file.closed:  # Pending writes are no longer awaited.
                return
            self._folder.check_room(len(batch))
            self._hash.update(batch)
            rest = memoryview(batch)
            while rest:
                rest = rest[self._file.write(rest) :]
            self._size_bytes += len(batch)
            if self._fsync:
                self._writeback.reached(self._size_bytes)

    def _seal(self) -> StagedFile:
        with self._busy, DiskErrors.translated():
            if self._fsync:
                os.fsync(self._file.fileno())
                self._folder.sync()
            return self._described(sealed=True)

    def _described(self, sealed: bool) -> StagedFile:
        return StagedFile(self.name, self._size_bytes, self._hash.hexdigest(), sealed)


class FolderStaging:
    """The `Staging` port over a folder; `threads` do all disk work, never the loop."""

    def __init__(
        self, folder: Path, floor_bytes: int, fsync: bool = True, threads: int = 4
    ) -> None:
        self._folder = Folder(folder, floor_bytes)
        self._fsync = fsync
        self._threads = DiskThreads(threads)
        self._lanes = WriteLanes(threads)

    async def receive(self) -> IncomingFile:
        return await self._threads.obtain(self._create, self._discard)

    async def check_room(self, size_bytes: int) -> None:
        await self._threads.run(functools.partial(self._check_room, size_bytes))

    def holds(self, name: UUID, size_bytes: int) -> bool:
        with DiskErrors.translated():
            try:
                return self._folder.path_of(name).stat().st_size == size_bytes
            except FileNotFoundError:
                return False

    async def open(self, name: UUID) -> BinaryIO | None:
        return await self._threads.obtain(
            functools.partial(self._open, name), self._close
        )

    async def remove(self, name: UUID) -> None:
        await self._threads.run(functools.partial(self._remove, name))

    def close(self) -> None:
        """Blocking: wait for running work and end the threads."""
        self._lanes.close()
        self._threads.close()

    def _create(self) -> FolderIncomingFile:
        self._check_room(0)
        with DiskErrors.translated():
            while True:
                name = uuid4()
                file = LockedFile.create(self._folder.path_of(name))
                if file is not None:
                    return FolderIncomingFile(
                        name,
                        file,
                        self._folder,
                        self._threads,
                        self._lanes.next(),
                        self._fsync,
                    )

    def _check_room(self, size_bytes: int) -> None:
        with DiskErrors.translated():
            self._folder.make()
            self._folder.check_room(size_bytes)

    def _open(self, name: UUID) -> BinaryIO | None:
        with DiskErrors.translated():
            try:
                return BufferedReader(DiskFile(self._folder.path_of(name)))
            except FileNotFoundError:
                return None

    def _remove(self, name: UUID) -> None:
        with DiskErrors.translated():
            if not LockedFile.remove(self._folder.path_of(name)):
                raise StagingAway("The file is still being received.")

    @staticmethod
    def _discard(incoming: FolderIncomingFile) -> None:
        incoming.remove(lambda: None)

    @staticmethod
    def _close(file: BinaryIO | None) -> None:
        if file is not None:
            file.close()
