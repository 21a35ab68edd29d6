"""The staged files in the object store."""

from collections.abc import Sequence
from uuid import UUID

from backend.adapters.disk import DiskThreads
from backend.adapters.s3_staged_objects import S3StagedObjects
from backend.use_cases.ports import HeldFile


class S3StagedInventory:
    """`StagedInventory` of the files of `S3Staging` in any process.

    `StagedHolds` shows which files are being received; callers check the rows and holds
    before they remove one.
    """

    def __init__(self, objects: S3StagedObjects) -> None:
        self._objects = objects
        self._threads = DiskThreads(1)

    async def files(self) -> Sequence[HeldFile]:
        return await self._threads.run(lambda: list(self._objects.files()))

    def remove_unheld(self, name: UUID) -> bool:
        self._objects.remove(name)
        return True

    def close(self) -> None:
        """Blocking: wait for running work and end the thread."""
        self._threads.close()
        self._objects.close()
