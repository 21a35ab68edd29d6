"""Staged files are removed after the commit that lets them go, and much may lie between."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.leftovers import Leftovers
from backend.use_cases.ports import StagedNames
from backend.use_cases.staged_files import StagedFiles
from tests.ledger_world import LedgerWorld
from tests.reconcile_world import ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")

OTHER = "other@example.org"
PICTURE, DELETE = JobKind.MAKE_MINIATURE, JobKind.DELETE_MEDIA


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ReconcileWorld]:
    async with ReconcileWorld.running(tmp_path / "staging") as world:
        yield world


class Settled:
    """What becomes of a media whose object is lost before its staged file is removed."""

    def __init__(self, world: ReconcileWorld, media_id: UUID) -> None:
        self._world = world
        self._media_id = media_id

    async def lose_object(self) -> None:
        await self._world.remove_object(self._media_id)
        assert ("object_missing", "repaired") in await self._world.repairs()

    async def check(self) -> None:
        """It says what a person can do, and doing that helps."""
        world, media_id = self._world, self._media_id
        if (await world.media(media_id)).status == "processing":
            await world.published(media_id)
        media = await world.media(media_id)
        assert (media.status, media.failure_code) == ("failed", "object_missing")
        assert await world.taken_in() == media_id
        await world.published(media_id)
        assert (await world.media(media_id)).status == "ready"
        assert await world.holds((await world.blob(media_id)).object_key)


class TestObjectLostInBetween:
    async def test_when_the_last_job_has_ended(self, world: ReconcileWorld) -> None:
        media_id = await world.taken_in()
        await world.published(media_id)
        await world.described(media_id)
        claim = await world.ledger.claim(media_id, PICTURE, "test")
        assert claim is not None
        nothing = JobFailed(FailureCode.UNREADABLE_PICTURE, "no frame")
        names = await world.ledger.fail(claim, nothing)

        await self.lose(world, media_id, names)

    async def test_when_the_sweep_has_given_it_up(self, world: ReconcileWorld) -> None:
        media_id = await world.taken_in()
        await world.published(media_id)
        await world.described(media_id)
        names: StagedNames = ()
        for _ in range(RetryPolicy().most_failures):
            assert await world.ledger.claim(media_id, PICTURE, "test")
            await LedgerWorld.expire_leases()
            names = (await world.ledger.reclaim_lost()).unneeded
            await LedgerWorld.skip_waiting()

        await self.lose(world, media_id, names)

    async def test_when_another_media_of_these_bytes_is_deleted(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        theirs = await world.taken_in(email=OTHER)
        await world.published(theirs)
        name = world.put_file((await world.blob(media_id)).staged_name, b"some video")
        await world.delete(theirs, OTHER)
        claim = await world.ledger.claim(theirs, DELETE, "test")
        assert claim is not None
        leftovers = await world.ledger.let_go(claim)
        assert leftovers == Leftovers(staged_files=(name,))

        await self.lose(world, media_id, leftovers.staged_files)

    async def test_and_found_by_the_upload_of_another_media(
        self, world: ReconcileWorld
    ) -> None:
        """The file may be gone before a second attempt."""
        media_id = await world.ready()
        theirs = await world.taken_in(email=OTHER)
        world.put_file((await world.blob(media_id)).staged_name, b"some video")
        await world.remove_object(media_id)

        await world.published(theirs)

        other = await world.media(theirs)
        assert (other.status, other.failure_code) == ("failed", "object_missing")

    @staticmethod
    async def lose(world: ReconcileWorld, media_id: UUID, names: StagedNames) -> None:
        (name,) = names
        assert world.has_file(name)
        settled = Settled(world, media_id)
        await settled.lose_object()
        await StagedFiles(world.worker.staging).remove(names)
        assert not world.has_file(name)
        await settled.check()
