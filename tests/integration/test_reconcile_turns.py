"""The comparison that workers make by themselves, turn by turn, and its report."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from psycopg import AsyncConnection

from backend.domain.consistency import TOO_MANY, TOO_MANY_ELSEWHERE
from backend.domain.freshness import Scopes
from backend.domain.media import ObjectKey
from backend.orm.models import ConsistencyReport, Reconciliation
from tests.database import TestDatabase
from tests.e2e.faults import until
from tests.reconcile_world import ReconcileWorld

pytestmark = pytest.mark.usefixtures("clean_database")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[ReconcileWorld]:
    async with ReconcileWorld.running(tmp_path / "staging") as world:
        yield world


async def put_unowned(world: ReconcileWorld, count: int) -> list[ObjectKey]:
    keys = [ObjectKey.video(uuid4(), "mp4") for _ in range(count)]
    for key in keys:
        await world.put_object(key, b"nobody's")
    return keys


class TestTurns:
    async def test_of_many_workers_one_has_the_turn(
        self, world: ReconcileWorld
    ) -> None:
        reconciliations = world.container.reconciliations
        turns = await asyncio.gather(*(reconciliations.claim() for _ in range(5)))
        assert sum(turn is not None for turn in turns) == 1

    async def test_the_next_is_due_a_while_after_one_has_ended(
        self, world: ReconcileWorld
    ) -> None:
        reconciliations = world.container.reconciliations
        turn = await reconciliations.claim()
        assert turn is not None
        await reconciliations.end(turn, whole=True)
        assert await reconciliations.claim() is None
        row = await Reconciliation.objects.aget()
        assert 5 < (row.due_at - datetime.now(UTC)).total_seconds() <= 10

    async def test_whoever_was_away_for_a_turn_writes_nothing(
        self, world: ReconcileWorld
    ) -> None:
        reconciliations = world.container.reconciliations
        late = await reconciliations.claim()
        assert late is not None
        await Reconciliation.objects.aupdate(due_at=datetime.now(UTC))
        assert await reconciliations.claim() is not None
        await reconciliations.end(late, whole=True)
        assert not await ConsistencyReport.objects.aexists()

    async def test_a_turn_repairs_and_reports_and_the_next_finds_nothing(
        self, world: ReconcileWorld
    ) -> None:
        name = world.put_file()
        media_id = await world.ready()
        await world.remove_document(media_id)
        blob = await world.blob(media_id)

        await world.turn()
        assert not world.has_file(name)
        assert await world.report() == [
            {
                "kind": "document_missing",
                "store": "document_store",
                "key": str(blob.uuid),
                "media": str(media_id),
                "action": "extract it again",
                "applied": True,
            },
            {
                "kind": "staged_file_unowned",
                "store": "staging",
                "key": str(name),
                "media": None,
                "action": "remove the file",
                "applied": True,
            },
        ]
        await world.turn()
        assert await world.report() == []

    async def test_much_is_compared_over_many_turns(
        self, world: ReconcileWorld
    ) -> None:
        keys = await put_unowned(world, 5)
        turn = world.container.reconcile_turn
        world.container.reconcile_turn = replace(turn, entries_per_page=2)
        for _ in range(2):
            await world.turn()
        # The next worker knows where this one stopped.
        assert not await ConsistencyReport.objects.aexists()
        assert sum([await world.holds(key) for key in keys]) == 1
        await world.turn()
        assert sorted(each["key"] for each in await world.report()) == sorted(
            map(str, keys)
        )
        assert not any([await world.holds(key) for key in keys])

    async def test_so_are_many_staged_files(self, world: ReconcileWorld) -> None:
        names = [world.put_file() for _ in range(5)]
        turn = world.container.reconcile_turn
        world.container.reconcile_turn = replace(turn, entries_per_page=2)
        await world.turn()
        assert [world.has_file(name) for name in sorted(names)] == [False] * 2 + [
            True
        ] * 3
        for _ in range(2):
            await world.turn()
        assert len(await world.report()) == 5
        assert not any(world.has_file(name) for name in names)

    async def test_a_comparison_that_takes_the_database_too_long_is_left_out(
        self, world: ReconcileWorld
    ) -> None:
        """Somebody has locked the table that only one of them needs."""
        name = world.put_file()
        await world.taken_in()
        async with await AsyncConnection.connect(TestDatabase.url()) as locking:
            await locking.execute("LOCK TABLE miniature")
            await world.turn()
        assert not world.has_file(name)
        assert not await ConsistencyReport.objects.aexists()

    async def test_readers_are_told_of_a_repair(self, world: ReconcileWorld) -> None:
        media_id = await world.ready()
        await world.remove_document(media_id)
        scopes, answers = [Scopes.media(media_id)], iter([b"before", b"after"])

        async def make() -> bytes:
            return next(answers)

        cache = world.container.answer_cache
        assert await cache.answer("test", scopes, make) == b"before"
        assert await cache.answer("test", scopes, make) == b"before"
        await world.turn()
        assert await cache.answer("test", scopes, make) == b"after"


class TestThread:
    async def test_a_worker_compares_by_itself(self, world: ReconcileWorld) -> None:
        """On a loop and connections of its own, beside those of its actors."""
        name = world.put_file()
        media_id = await world.ready()
        await world.remove_document(media_id)
        thread = world.worker.reconciler
        thread.start()
        try:
            await asyncio.to_thread(until, world.has_report, 30, "it has compared")
        finally:
            await asyncio.to_thread(thread.stop)
        assert not world.has_file(name)
        assert (await world.media(media_id)).status == "processing"


class TestMass:
    async def test_many_at_once_are_left_to_a_person(
        self, world: ReconcileWorld
    ) -> None:
        keys = await put_unowned(world, 11)
        await world.turn()
        assert all([await world.holds(key) for key in keys])
        assert [each["action"] for each in await world.report()] == [
            f"left: {TOO_MANY}"
        ] * 11

        reconciled = await world.reconcile()
        assert (reconciled.repaired, reconciled.remaining) == (11, 0)
        assert not any([await world.holds(key) for key in keys])

    async def test_media_are_not_taken_for_lost_with_the_bucket(
        self, world: ReconcileWorld
    ) -> None:
        media = [await world.ready(f"video {n}".encode()) for n in range(11)]
        for media_id in media:
            await world.remove_object(media_id)
        (theirs,) = await put_unowned(world, 1)
        await world.turn()
        for media_id in media:
            assert (await world.media(media_id)).status == "ready"
        assert await world.holds(theirs)

    async def test_ten_are_not_many(self, world: ReconcileWorld) -> None:
        keys = await put_unowned(world, 10)
        await world.turn()
        assert not any([await world.holds(key) for key in keys])

    async def test_meanwhile_nothing_else_is_removed(
        self, world: ReconcileWorld
    ) -> None:
        """A database from an old backup does not know of staged files either."""
        keys = await put_unowned(world, 11)
        name = world.put_file()
        for _ in range(2):
            await world.turn()
            assert world.has_file(name)
        actions = [each["action"] for each in await world.report()]
        assert f"left: {TOO_MANY_ELSEWHERE}" in actions

        for key in keys:
            await world.worker.object_storage.remove(key)
        for _ in range(2):
            await world.turn()
        assert not world.has_file(name)

    async def test_many_cut_uploads_tell_nothing(self, world: ReconcileWorld) -> None:
        names = [world.put_file() for _ in range(30)]
        await world.turn()
        assert not any(world.has_file(name) for name in names)


class TestStoreAway:
    async def test_the_others_are_compared_and_nothing_is_concluded(
        self, tmp_path: Path, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        await world.remove_document(media_id)
        away = ReconcileWorld(
            ReconcileWorld.environment(
                world.staging_dir, s3_endpoint_url="http://127.0.0.1:1"
            )
        )
        name = away.put_file()
        try:
            await away.turn()
            assert not away.has_file(name)
            media = await away.media(media_id)
            assert (media.status, media.described_at) == ("processing", None)
            assert not await ConsistencyReport.objects.aexists()

            reconciled = await away.reconcile()
            assert set(reconciled.away) == {"objects", "uploads"}
            assert not await ConsistencyReport.objects.aexists()
        finally:
            await away.container.close()
            await away.worker.close()
        await world.turn()
        assert [(each["kind"], each["applied"]) for each in await world.report()] == [
            ("document_missing", True),
            ("staged_file_unowned", True),
        ]

    async def test_a_bucket_that_is_not_there_is_no_empty_one(
        self, world: ReconcileWorld
    ) -> None:
        media_id = await world.ready()
        wrong = ReconcileWorld(
            ReconcileWorld.environment(world.staging_dir, s3_bucket="no-such-bucket")
        )
        try:
            reconciled = await wrong.reconcile()
            assert "objects" in reconciled.away
        finally:
            await wrong.container.close()
            await wrong.worker.close()
        assert (await world.media(media_id)).status == "ready"
