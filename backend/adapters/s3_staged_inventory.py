"""What is staged in the object store."""

from collections.abc import Sequence
from uuid import UUID

from backend.adapters.disk import DiskThreads
from backend.adapters.s3_staged_objects import S3StagedObjects
from backend.use_cases.ports import HeldFile


class S3StagedInventory:
    """`StagedInventory` of what `S3Staging` of any process has left there.

    Who receives a file is told by `StagedHolds`: the rows know, and whoever removes asks
    them first.
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
        """Blocking: wait for what is under way and end the thread."""
        self._threads.close()
        self._objects.close()
