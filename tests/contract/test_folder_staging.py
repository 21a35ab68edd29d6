import asyncio
import fcntl
import hashlib
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from backend.adapters.folder_staging import FolderStaging
from backend.domain.errors import StagingAway, StorageFull
from tests.contract.staging_contract import StagingContract
from tests.folders import Looked


class TestFolderStaging(StagingContract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "deep" / "staging"

    @pytest.fixture
    def staging(self, folder: Path) -> Iterator[FolderStaging]:
        staging = FolderStaging(folder, floor_bytes=0)
        yield staging
        staging.close()

    @pytest.fixture
    def descriptors(self) -> Iterator[None]:
        before = Looked.open_descriptors()
        yield
        assert Looked.open_descriptors() == before

    async def test_file_and_folder_are_private(
        self, folder: Path, staging: FolderStaging
    ) -> None:
        incoming = await staging.receive()
        await incoming.keep()
        assert Looked.mode(folder / str(incoming.name)) == 0o600
        assert Looked.mode(folder) == 0o700

    @pytest.mark.usefixtures("descriptors")
    async def test_no_descriptor_is_left_open(self, staging: FolderStaging) -> None:
        for _ in range(20):
            kept, discarded = await staging.receive(), await staging.receive()
            await kept.write(b"bytes")
            await kept.seal()
            await kept.keep()
            await discarded.discard()
            await staging.remove(kept.name)

    def test_a_folder_that_cannot_be_looked_into_is_no_empty_one(
        self, tmp_path: Path
    ) -> None:
        """A name that is too long is refused to everybody, root included."""
        staging = FolderStaging(tmp_path / ("x" * 300), floor_bytes=0)
        with pytest.raises(StagingAway):
            staging.holds(uuid4(), 0)

    async def test_another_process_sees_the_lock(
        self, folder: Path, staging: FolderStaging
    ) -> None:
        incoming = await staging.receive()
        path = folder / str(incoming.name)
        assert self._lock_from_elsewhere(path) == "locked"
        await incoming.keep()
        assert self._lock_from_elsewhere(path) == "free"

    async def test_a_file_the_sweep_holds_stays(
        self, folder: Path, staging: FolderStaging
    ) -> None:
        incoming = await staging.receive()
        await incoming.keep()
        path = folder / str(incoming.name)
        held = await staging.open(incoming.name)
        assert held is not None
        with held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(StagingAway):
                await staging.remove(incoming.name)
            assert path.name in Looked.names(folder)

    async def test_below_the_floor_nothing_is_begun(self, folder: Path) -> None:
        staging = FolderStaging(folder, floor_bytes=1 << 60)
        with pytest.raises(StorageFull):
            await staging.receive()
        assert Looked.names(folder) == set()
        staging.close()

    async def test_the_floor_is_checked_before_every_batch(
        self, tmp_path: Path
    ) -> None:
        free = Looked.free_bytes(tmp_path)
        staging = FolderStaging(tmp_path / "staging", floor_bytes=free // 2)
        incoming = await staging.receive()
        with (
            Looked.sparse(tmp_path / "sparse", free) as batch,
            pytest.raises(StorageFull),
        ):
            await incoming.write(batch)
        await incoming.discard()
        assert Looked.names(tmp_path / "staging") == set()
        staging.close()

    async def test_a_full_disk_is_storage_full(
        self, folder: Path, staging: FolderStaging
    ) -> None:
        incoming = await staging.receive()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
        try:
            await incoming.write(bytes(600_000))
            with pytest.raises(StorageFull):
                await incoming.write(bytes(600_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await incoming.discard()
        assert Looked.names(folder) == set()

    async def test_a_folder_that_is_a_file_is_named_clearly(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "staging").touch()
        staging = FolderStaging(tmp_path / "staging", floor_bytes=0)
        with pytest.raises(StagingAway, match="not a folder"):
            await staging.receive()
        staging.close()

    async def test_a_folder_that_went_away_is_staging_away(
        self, folder: Path, staging: FolderStaging
    ) -> None:
        incoming = await staging.receive()
        shutil.rmtree(folder)
        with pytest.raises(StagingAway):
            await incoming.write(b"bytes")
        await incoming.discard()

    @pytest.mark.usefixtures("descriptors")
    async def test_a_receiver_cancelled_while_it_begins_leaves_nothing(
        self, folder: Path
    ) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        for turns in range(6):
            beginning = asyncio.create_task(staging.receive())
            for _ in range(turns):
                await asyncio.sleep(0)
            if beginning.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await beginning
            else:
                await beginning.result().discard()
        staging.close()
        assert Looked.names(folder) == set()

    @pytest.mark.usefixtures("descriptors")
    async def test_discard_waits_for_a_cancelled_write(self, folder: Path) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        for _ in range(10):
            incoming = await staging.receive()
            writing = asyncio.create_task(incoming.write(bytes(8 << 20)))
            await asyncio.sleep(0)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            await incoming.discard()
            assert Looked.names(folder) == set()
        staging.close()

    @pytest.mark.usefixtures("descriptors")
    async def test_what_was_still_to_be_written_is_not_when_the_file_is_discarded(
        self, folder: Path
    ) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        incoming = await staging.receive()
        writes = [asyncio.ensure_future(incoming.write(bytes(8 << 20))) for _ in "abc"]
        await asyncio.sleep(0)
        await incoming.discard()
        await asyncio.gather(*writes)
        assert Looked.names(folder) == set()
        staging.close()

    async def test_a_cancelled_discard_is_done_all_the_same(self, folder: Path) -> None:
        staging = FolderStaging(folder, floor_bytes=0)
        incoming = await staging.receive()
        discarding = asyncio.create_task(incoming.discard())
        await asyncio.sleep(0)
        discarding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await discarding
        staging.close()
        assert Looked.names(folder) == set()

    async def test_without_fsync_the_bytes_are_there_as_well(
        self, folder: Path
    ) -> None:
        staging = FolderStaging(folder, floor_bytes=0, fsync=False)
        incoming = await staging.receive()
        await incoming.write(b"bytes")
        sealed = await incoming.seal()
        await incoming.keep()
        assert sealed.sha256 == hashlib.sha256(b"bytes").hexdigest()
        assert (folder / str(sealed.name)).read_bytes() == b"bytes"
        staging.close()

    @staticmethod
    def _lock_from_elsewhere(path: Path) -> str:
        program = (
            "import fcntl, sys\n"
            "try: fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
            "except BlockingIOError: print('locked')\n"
            "else: print('free')"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()
