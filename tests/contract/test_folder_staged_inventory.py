import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from backend.adapters.folder_staged_inventory import FolderStagedInventory
from backend.adapters.folder_staging import FolderStaging
from backend.domain.errors import StagingAway
from backend.use_cases.ports import HeldFile
from tests.folders import Looked


class TestFolderStagedInventory:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "staging"

    @pytest.fixture
    def staging(self, folder: Path) -> Iterator[FolderStaging]:
        staging = FolderStaging(folder, floor_bytes=0)
        yield staging
        staging.close()

    @pytest.fixture
    def inventory(self, folder: Path) -> Iterator[FolderStagedInventory]:
        inventory = FolderStagedInventory(folder)
        yield inventory
        inventory.close()

    async def test_a_folder_that_was_never_used_has_no_files(
        self, inventory: FolderStagedInventory
    ) -> None:
        assert await inventory.files() == []
        assert inventory.remove_unheld(uuid4())

    async def test_files_that_are_and_were_received(
        self, staging: FolderStaging, inventory: FolderStagedInventory
    ) -> None:
        kept, open_one = await staging.receive(), await staging.receive()
        await kept.write(b"bytes")
        await kept.keep()
        found = await inventory.files()
        await open_one.discard()
        sizes = {file.name: file.size_bytes for file in found}
        assert sizes == {kept.name: 5, open_one.name: 0}

    async def test_the_time_is_that_of_the_last_write(
        self,
        folder: Path,
        staging: FolderStaging,
        inventory: FolderStagedInventory,
    ) -> None:
        incoming = await staging.receive()
        written = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        os.utime(folder / str(incoming.name), (0, written.timestamp()))
        assert await inventory.files() == [HeldFile(incoming.name, written)]
        await incoming.write(b"more")
        (file,) = await inventory.files()
        assert abs(datetime.now(UTC) - file.changed_at) < timedelta(seconds=10)
        await incoming.discard()

    async def test_what_others_put_there_is_none_of_ours(
        self, folder: Path, inventory: FolderStagedInventory
    ) -> None:
        (folder / str(uuid4())).mkdir(parents=True)
        for name in ("notes.txt", uuid4().hex, f"{{{uuid4()}}}", f"{uuid4()}.part"):
            (folder / name).touch()
        (folder / str(uuid4())).symlink_to(folder / "notes.txt")
        os.mkfifo(folder / str(uuid4()))
        assert await inventory.files() == []

    async def test_what_is_being_received_stays(
        self, staging: FolderStaging, inventory: FolderStagedInventory
    ) -> None:
        incoming = await staging.receive()
        assert not inventory.remove_unheld(incoming.name)
        assert staging.holds(incoming.name, 0)
        await incoming.keep()
        assert inventory.remove_unheld(incoming.name)
        assert not staging.holds(incoming.name, 0)
        assert inventory.remove_unheld(incoming.name)

    async def test_no_descriptor_is_left_open(
        self, staging: FolderStaging, inventory: FolderStagedInventory
    ) -> None:
        incoming = await staging.receive()
        before = Looked.open_descriptors()
        await inventory.files()
        inventory.remove_unheld(incoming.name)
        assert Looked.open_descriptors() == before
        await incoming.discard()

    async def test_a_disk_that_fails_is_staging_away(
        self, folder: Path, inventory: FolderStagedInventory
    ) -> None:
        await asyncio.to_thread(folder.touch)
        with pytest.raises(StagingAway, match="Not a directory"):
            await inventory.files()
        with pytest.raises(StagingAway, match="Not a directory"):
            inventory.remove_unheld(uuid4())
