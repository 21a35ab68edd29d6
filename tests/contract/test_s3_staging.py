import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pytest_django import DjangoDbBlocker

from backend.adapters.folder import Folder
from backend.adapters.s3_connection import S3Connection, S3Settings
from backend.adapters.s3_staged_inventory import S3StagedInventory
from backend.adapters.s3_staged_objects import S3StagedObjects
from backend.adapters.s3_staging import S3Staging
from backend.domain.errors import StagingAway, StorageFull
from backend.orm.database_threads import DatabaseThreads
from backend.orm.owned_names import OwnedNames
from backend.orm.staged_holds import DjangoStagedHolds
from tests.contract.staging_contract import StagingContract
from tests.folders import Looked
from tests.ports import TestPorts
from tests.s3 import S3Lab

MEBIBYTE = 1024 * 1024
PART = S3Staging.LEAST_PART_BYTES
NOBODY_THERE = {"connect_timeout_seconds": 0.5, "attempts": 1}


class StagedWorld:
    """What is staged in the bucket of the test run, looked at by hand."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self.connection = S3Connection(settings)
        self.objects = S3StagedObjects(self.connection)
        self.holds = DjangoStagedHolds()

    def staging(self, scratch: Path, **changes: Any) -> S3Staging:
        settings = replace(self.settings, **changes)
        return S3Staging(
            S3StagedObjects(S3Connection(settings)),
            S3StagedObjects(S3Connection(settings)),
            self.holds,
            Folder(scratch, floor_bytes=0),
            most_bytes=1024 * MEBIBYTE,
        )

    async def names(self) -> set[UUID]:
        files = await asyncio.to_thread(lambda: list(self.objects.files()))
        return {file.name for file in files}

    async def until(self, seen: Callable[[set[UUID]], bool]) -> None:
        async with asyncio.timeout(30):
            names = await self.names()
            while not seen(names):
                names = await self.names()

    async def parts(self, name: UUID) -> int:
        return await asyncio.to_thread(self._parts, name)

    def empty_and_close(self) -> None:
        for file in list(self.objects.files()):
            self.objects.remove(file.name)
        self.objects.close()
        self.holds.close()

    def _parts(self, name: UUID) -> int:
        where = {"Bucket": self.settings.bucket, "Key": f"staging/{name}"}
        client = self.connection.client
        begun = client.list_multipart_uploads(
            Bucket=where["Bucket"], Prefix=where["Key"]
        )
        return sum(
            len(client.list_parts(**where, UploadId=one["UploadId"]).get("Parts", []))
            for one in begun.get("Uploads", [])
        )


@pytest.mark.usefixtures("unblocked")
class TestS3Staging(StagingContract):
    @pytest.fixture
    def unblocked(
        self, django_db_setup: None, django_db_blocker: DjangoDbBlocker
    ) -> Iterator[None]:
        with django_db_blocker.unblock():
            yield

    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[StagedWorld]:
        """Whatever the test does, it leaves nothing behind that it has not kept."""
        lab = S3Lab(tmp_path)
        async with lab.storage() as storage:
            await storage.prepare()
        world = StagedWorld(lab.settings)
        yield world
        await asyncio.to_thread(world.empty_and_close)

    @pytest.fixture
    def scratch(self, tmp_path: Path) -> Path:
        return tmp_path / "deep" / "scratch"

    @pytest.fixture
    async def staging(
        self, world: StagedWorld, scratch: Path, unblocked: None
    ) -> AsyncIterator[S3Staging]:
        staging = world.staging(scratch)
        yield staging
        await asyncio.to_thread(staging.close)

    async def test_a_large_file_goes_in_parts_and_comes_back(
        self, staging: S3Staging, scratch: Path
    ) -> None:
        content = b"".join(bytes([n]) * MEBIBYTE for n in range(2 * PART // MEBIBYTE))
        content += b"and the rest"
        incoming = await staging.receive()
        for start in range(0, len(content), 700_000):
            await incoming.write(content[start : start + 700_000])
        sealed = await incoming.seal()
        await incoming.keep()
        assert sealed.sha256 == hashlib.sha256(content).hexdigest()
        assert await self._content(staging, sealed) == content
        assert Looked.names(scratch) == set()

    async def test_what_the_store_has_changed_is_for_its_reader_to_notice(
        self, staging: S3Staging, world: StagedWorld
    ) -> None:
        """It is no store that is away, which would be waited for without end."""
        incoming = await staging.receive()
        await incoming.write(b"bytes")
        sealed = await incoming.seal()
        await incoming.keep()
        where = {"Bucket": world.settings.bucket, "Key": f"staging/{sealed.name}"}
        client = world.connection.client
        head = await asyncio.to_thread(client.head_object, **where)
        await asyncio.to_thread(
            client.put_object, **where, Body=b"BYTES", Metadata=head["Metadata"]
        )
        assert await self._content(staging, sealed) == b"BYTES"

    async def test_nothing_can_be_read_before_it_is_complete_nor_by_others_after(
        self, staging: S3Staging, world: StagedWorld
    ) -> None:
        incoming = await staging.receive()
        await incoming.write(bytes(2 * PART))
        assert not await asyncio.to_thread(world.objects.holds, incoming.name, 2 * PART)
        await incoming.seal()
        await incoming.keep()
        assert await asyncio.to_thread(world.objects.holds, incoming.name, 2 * PART)
        settings = world.settings
        address = f"{settings.endpoint_url}/{settings.bucket}/staging/{incoming.name}"
        async with httpx.AsyncClient(trust_env=False) as anybody:
            assert (await anybody.get(address)).status_code == 403

    async def test_a_discarded_large_file_leaves_no_parts(
        self, staging: S3Staging, world: StagedWorld
    ) -> None:
        incoming = await staging.receive()
        await incoming.write(bytes(3 * PART))
        assert await world.parts(incoming.name) > 0
        await incoming.discard()
        assert await world.parts(incoming.name) == 0
        assert await world.names() == set()

    async def test_what_was_cancelled_is_never_sealed(self, staging: S3Staging) -> None:
        incoming = await staging.receive()
        await incoming.write(bytes(PART))
        writing = asyncio.create_task(incoming.write(bytes(PART)))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        with pytest.raises(StagingAway):
            await incoming.seal()
        await incoming.discard()

    async def test_discard_waits_for_a_cancelled_write(
        self, staging: S3Staging, world: StagedWorld
    ) -> None:
        for _ in range(2):
            incoming = await staging.receive()
            writing = asyncio.create_task(incoming.write(bytes(3 * PART)))
            await world.until(bool)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            await incoming.discard()
            assert await world.names() == set()

    async def test_a_cancelled_discard_is_done_all_the_same(
        self, staging: S3Staging, world: StagedWorld
    ) -> None:
        incoming = await staging.receive()
        await incoming.write(bytes(2 * PART))
        discarding = asyncio.create_task(incoming.discard())
        await asyncio.sleep(0)
        discarding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await discarding
        await world.until(lambda names: not names)

    async def test_what_is_received_can_be_read_by_its_receiver(
        self, staging: S3Staging
    ) -> None:
        """Pictures are looked through before they are sealed, large ones too."""
        for content in (b"a small picture", bytes(range(256)) * (PART // 200)):
            incoming = await staging.receive()
            await incoming.write(content)
            opened = await staging.open(incoming.name)
            assert opened is not None
            with opened:
                assert opened.read() == content
            sealed = await incoming.seal()
            await incoming.keep()
            assert await self._content(staging, sealed) == content

    async def test_a_store_that_is_away_is_staging_away(
        self, world: StagedWorld, scratch: Path
    ) -> None:
        nowhere = f"http://127.0.0.1:{TestPorts().port('s3')}"
        staging = world.staging(scratch, endpoint_url=nowhere, **NOBODY_THERE)
        incoming = await staging.receive()
        await incoming.write(b"a few bytes")
        with pytest.raises(StagingAway):
            await incoming.seal()
        with pytest.raises(StagingAway):
            await asyncio.to_thread(staging.holds, uuid4(), 0)
        with pytest.raises(StagingAway):
            await staging.open(uuid4())
        await incoming.discard()
        large = await staging.receive()
        with pytest.raises(StagingAway):
            await large.write(bytes(3 * PART))
        await large.discard()
        await asyncio.to_thread(staging.close)

    async def test_a_store_that_refuses_us_is_staging_away(
        self, world: StagedWorld, scratch: Path
    ) -> None:
        staging = world.staging(scratch, secret_access_key="another")
        incoming = await staging.receive()
        await incoming.write(b"a few bytes")
        with pytest.raises(StagingAway):
            await incoming.seal()
        await incoming.discard()
        await asyncio.to_thread(staging.close)

    async def test_more_than_an_object_can_have_is_refused(
        self, staging: S3Staging
    ) -> None:
        await staging.check_room(10_000 * PART)
        with pytest.raises(StorageFull):
            await staging.check_room(10_000 * PART + 1)

    async def test_all_processes_know_what_is_received_until_it_is_not(
        self, staging: S3Staging, database_threads: DatabaseThreads
    ) -> None:
        incoming, other = await staging.receive(), uuid4()
        names = [incoming.name, other]
        owned = await database_threads.run(OwnedNames.files, names)
        assert owned == {incoming.name}
        await incoming.write(b"bytes")
        await incoming.seal()
        owned = await database_threads.run(OwnedNames.files, names)
        assert owned == {incoming.name}
        await incoming.keep()
        assert await database_threads.run(OwnedNames.files, names) == set()

    async def test_the_inventory_has_what_is_complete_and_what_is_not(
        self, staging: S3Staging, world: StagedWorld
    ) -> None:
        kept, begun = await staging.receive(), await staging.receive()
        await kept.write(b"bytes")
        await kept.keep()
        await begun.write(bytes(2 * PART))
        await asyncio.to_thread(
            world.connection.client.put_object,
            Bucket=world.settings.bucket,
            Key="staging/notes.txt",
            Body=b"theirs",
        )
        inventory = S3StagedInventory(S3StagedObjects(S3Connection(world.settings)))
        found = await inventory.files()
        sizes = {file.name: file.size_bytes for file in found}
        assert sizes == {kept.name: 5, begun.name: 0}
        for file in found:
            assert await asyncio.to_thread(inventory.remove_unheld, file.name)
        assert await inventory.files() == []
        with pytest.raises(StagingAway):
            await begun.seal()
        await begun.discard()
        await asyncio.to_thread(inventory.close)


@pytest.mark.usefixtures("clean_database")
class TestStagedHolds:
    @pytest.fixture
    async def holds(self) -> AsyncIterator[DjangoStagedHolds]:
        holds = DjangoStagedHolds()
        yield holds
        await asyncio.to_thread(holds.close)

    async def test_a_lost_session_is_made_again_with_all_that_it_held(
        self, holds: DjangoStagedHolds, database_threads: DatabaseThreads
    ) -> None:
        names = [uuid4() for _ in range(3)]
        for name in names:
            await asyncio.to_thread(holds.take, name)
        await asyncio.to_thread(holds.let_go, names[0])
        await database_threads.run(self._end_sessions)
        held = await database_threads.run(OwnedNames.files, names)
        assert held == set()
        await asyncio.to_thread(holds.renew)
        held = await database_threads.run(OwnedNames.files, names)
        assert held == set(names[1:])

    @staticmethod
    def _end_sessions() -> None:
        """Those that hold a name; returns when they have gone."""
        from django.db import connection

        which = "FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid, 10000) {which}")
