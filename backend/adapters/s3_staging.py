"""Staging in the object store: API and workers share no disk."""

from functools import partial
from io import BytesIO
from typing import BinaryIO, Final
from uuid import UUID, uuid4

from backend.adapters.disk import DiskThreads
from backend.adapters.folder import Folder
from backend.adapters.s3_incoming_file import S3IncomingFile, StagedUpload
from backend.adapters.s3_staged_objects import S3StagedObjects
from backend.domain.errors import StagingAway, StorageFull
from backend.use_cases.ports import IncomingFile, StagedHolds

MEBIBYTE = 1024 * 1024


class S3Staging:
    """The `Staging` port; a staged file is fetched into `scratch` before it is read.

    `glances` is used inside transactions, so its timeouts must be short.
    """

    # S3 takes none below 5 MiB but the last; two of them are in memory for each upload.
    LEAST_PART_BYTES: Final = 6 * MEBIBYTE
    HASHERS: Final = 2
    SENDERS: Final = 8

    def __init__(
        self,
        objects: S3StagedObjects,
        glances: S3StagedObjects,
        holds: StagedHolds,
        scratch: Folder,
        most_bytes: int,
    ) -> None:
        self._objects = objects
        self._glances = glances
        self._holds = holds
        self._scratch = scratch
        self._part_bytes = max(
            self.LEAST_PART_BYTES, -(-most_bytes // StagedUpload.MOST_PARTS)
        )
        self._hashers = DiskThreads(self.HASHERS)
        self._senders = DiskThreads(self.SENDERS)
        self._receiving: dict[UUID, S3IncomingFile] = {}

    async def receive(self) -> IncomingFile:
        name = uuid4()
        await self._hashers.obtain(
            partial(self._holds.take, name), lambda _: self._holds.let_go(name)
        )
        incoming = S3IncomingFile(
            name,
            self._objects,
            self._holds,
            self._hashers,
            self._senders,
            self._part_bytes,
            ended=self._receiving.pop,
        )
        self._receiving[name] = incoming
        return incoming

    async def check_room(self, size_bytes: int) -> None:
        if size_bytes > self._part_bytes * StagedUpload.MOST_PARTS:
            raise StorageFull(f"No object can have {size_bytes} bytes.")

    def holds(self, name: UUID, size_bytes: int) -> bool:
        incoming = self._receiving.get(name)
        if incoming is not None and not incoming.is_sealed:
            return True
        return self._glances.holds(name, size_bytes)

    async def open(self, name: UUID) -> BinaryIO | None:
        """A picture that is still being received here is sealed first, or read from
        memory."""
        incoming = self._receiving.get(name)
        if incoming is not None:
            if (content := incoming.unsent) is not None:
                return BytesIO(content)
            await incoming.seal()
        return await self._senders.obtain(
            partial(self._objects.download, name, self._scratch), self._close
        )

    async def remove(self, name: UUID) -> None:
        if name in self._receiving:
            raise StagingAway("The file is still being received.")
        await self._senders.run(partial(self._objects.remove, name))

    def warm(self) -> None:
        """Blocking: make the clients now, because importing boto3 takes long."""
        self._objects.warm()
        self._glances.warm()

    def close(self) -> None:
        """Blocking: wait for running work and end the threads."""
        self._senders.close()
        self._hashers.close()
        self._objects.close()
        self._glances.close()

    @staticmethod
    def _close(file: BinaryIO | None) -> None:
        if file is not None:
            file.close()
