"""`manage.py reconcile` as a person runs it: in a process of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from backend.domain.media import ObjectKey
from tests.database import TestDatabase
from tests.reconcile_world import ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")

PROJECT = Path(__file__).resolve().parents[2]
MOST_TRIES = 10


class ReconcileCommand:
    """Runs it on the stores of a world."""

    def __init__(self, world: ReconcileWorld) -> None:
        environment = world.container.environment
        self._environment = {
            **os.environ,
            "DATABASE_URL": TestDatabase.url(),
            "MONGO_URL": environment.mongo_url.get_secret_value(),
            "S3_BUCKET": environment.s3_bucket,
            "STAGING_DIR": str(environment.staging_dir),
            "RECONCILE_GRACE_SECONDS": "1",
        }

    async def run(self, *words: str, **environment: str) -> tuple[int, list[str]]:
        """The exit code and the lines it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "manage.py",
            "reconcile",
            *words,
            cwd=PROJECT,
            env=self._environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        written, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, written.decode().splitlines()

    async def run_unread(self, *words: str) -> tuple[int, str]:
        """The exit code and the errors, with nobody who reads what it prints."""
        reader, writer = os.pipe()
        os.close(reader)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "manage.py",
            "reconcile",
            *words,
            cwd=PROJECT,
            env=self._environment,
            stdout=writer,
            stderr=subprocess.PIPE,
        )
        os.close(writer)
        _, errors = await process.communicate()
        assert process.returncode is not None
        return process.returncode, errors.decode()

    async def planned(self, count: int) -> list[str]:
        """The findings, once so many are older than the grace."""
        for _ in range(MOST_TRIES):
            code, lines = await self.run()
            *findings, _ = lines
            if len(findings) == count:
                assert code == 1
                return findings
        raise AssertionError(lines)


class Garbage:
    """Something that nobody owns in every store, and something that is lost."""

    def __init__(self, world: ReconcileWorld) -> None:
        self._world = world
        self.key = ObjectKey.video(uuid4(), "mp4")
        self.upload_key = ObjectKey.video(uuid4(), "mp4")
        self.blob_id = uuid4()
        self.staged_name = uuid4()

    async def strew(self) -> None:
        await self._world.put_object(self.key, b"nobody's")
        self._world.begin_upload(self.upload_key)
        await self._world.put_document(self.blob_id)
        self._world.put_file(self.staged_name)

    async def is_gone(self) -> bool:
        world = self._world
        return not (
            await world.holds(self.key)
            or await world.has_document(self.blob_id)
            or world.has_file(self.staged_name)
            or await world.container.object_inventory.unfinished()
        )


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ReconcileWorld]:
    async with ReconcileWorld.running(tmp_path / "staging") as world:
        yield world


class TestReconcile:
    async def test_it_prints_a_plan_and_applies_it(self, world: ReconcileWorld) -> None:
        garbage, command = Garbage(world), ReconcileCommand(world)
        await garbage.strew()
        lost, undescribed = await world.ready(b"lost"), await world.ready(b"described")
        lost_key = (await world.blob(lost)).object_key
        document = (await world.blob(undescribed)).uuid
        await world.remove_object(lost)
        await world.remove_document(undescribed)

        plan = await command.planned(6)
        assert set(plan) == {
            *self._plan(garbage, lost_key, lost),
            f"document_missing document_store {document} {undescribed} extract it again",
        }
        assert not await garbage.is_gone()

        code, lines = await command.run("--apply")
        assert code == 0
        assert [line for line in lines if line.endswith("(repaired)")] == [
            f"{line} (repaired)" for line in plan
        ]
        assert lines[-1].endswith("6 findings, 6 repaired, 0 left.")
        assert await garbage.is_gone()
        media = await world.media(lost)
        assert (media.status, media.failure_code) == ("failed", "object_missing")
        assert (await world.media(undescribed)).status == "processing"
        await world.described(undescribed)

        code, lines = await command.run()
        assert (code, len(lines)) == (0, 1)

    @staticmethod
    def _plan(garbage: Garbage, lost_key: str, lost: UUID) -> list[str]:
        again = (
            "store it again from its staged file, or fail its media if there is none"
        )
        return [
            f"object_unowned object_store {garbage.key} - remove the object",
            f"object_missing object_store {lost_key} {lost} {again}",
            f"document_unowned document_store {garbage.blob_id} - remove the document",
            f"staged_file_unowned staging {garbage.staged_name} - remove the file",
            f"upload_unowned object_store {garbage.upload_key} - abort the upload",
        ]

    async def test_a_store_that_is_away_is_told_by_the_exit_code(
        self, world: ReconcileWorld
    ) -> None:
        command = ReconcileCommand(world)
        code, _ = await command.run(S3_ENDPOINT_URL="http://127.0.0.1:1")
        assert code == 2

    async def test_it_ends_what_it_began_when_nobody_reads_on(
        self, world: ReconcileWorld
    ) -> None:
        """As with `reconcile --apply | head -1`."""
        garbage, command = Garbage(world), ReconcileCommand(world)
        await garbage.strew()
        await command.planned(4)
        code, errors = await command.run_unread("--apply")
        assert (code, "BrokenPipe" in errors) == (0, False)
        assert await garbage.is_gone()

    async def test_a_database_without_tables_is_told_by_the_exit_code(
        self, world: ReconcileWorld
    ) -> None:
        empty = urlsplit(TestDatabase.url())._replace(path="/template1").geturl()
        code, _ = await ReconcileCommand(world).run(DATABASE_URL=empty)
        assert code == 2
