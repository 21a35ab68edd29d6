"""The contents of a staging folder."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from backend.adapters.disk import DiskErrors, DiskThreads
from backend.adapters.locked_file import LockedFile
from backend.use_cases.ports import HeldFile


class FolderStagedInventory:
    """`StagedInventory` of the folder that `FolderStaging` fills, in any process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = DiskThreads(1)

    async def files(self) -> Sequence[HeldFile]:
        return await self._threads.run(self._files)

    def remove_unheld(self, name: UUID) -> bool:
        with DiskErrors.translated():
            return LockedFile.remove(self._folder / str(name))

    def close(self) -> None:
        """Blocking: wait for what is under way and end the thread."""
        self._threads.close()

    def _files(self) -> Sequence[HeldFile]:
        with (
            DiskErrors.translated(),
            # The first upload creates the folder.
            suppress(FileNotFoundError),
            os.scandir(self._folder) as entries,
        ):
            found = [self._file(entry) for entry in entries if self._is_ours(entry)]
            return [file for file in found if file is not None]
        return []

    @staticmethod
    def _is_ours(entry: os.DirEntry[str]) -> bool:
        try:
            return str(UUID(entry.name)) == entry.name and entry.is_file(
                follow_symlinks=False
            )
        except ValueError:
            return False

    @staticmethod
    def _file(entry: os.DirEntry[str]) -> HeldFile | None:
        """None if it was removed meanwhile."""
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
        return HeldFile(UUID(entry.name), changed_at, found.st_size)
