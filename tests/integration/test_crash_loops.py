"""A file that kills each worker that opens it ends; what ran beside it does not."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async

from backend.adapters.child_process import ChildLimits
from backend.adapters.media_info_extractor import MediaInfoExtractor
from backend.domain.errors import DatabaseAway
from backend.domain.jobs import JobKind, RetryPolicy
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Job, JobAttempt, Media
from backend.use_cases.ports import Claim, Freshness
from backend.use_cases.sweep_jobs import LENIENT_SWEEPS
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.ledger_world import SUMMARY, LedgerWorld
from tests.media_http import Service

pytestmark = pytest.mark.usefixtures("clean_database")

EXTRACT = JobKind.EXTRACT_METADATA


class CrashingWorld(LedgerWorld):
    """Workers that take all they can get, and die when a killer is among it."""

    def __init__(self, threads: DatabaseThreads, freshness: Freshness) -> None:
        super().__init__(threads, freshness, RetryPolicy())
        self.killers: set[UUID] = set()
        self._started = 0

    async def take_in(self, count: int, *, killing: bool = False) -> list[UUID]:
        session = await sync_to_async(self.session)()
        taken = [
            await self.taken_in(session, f"{killing} {number}".encode())
            for number in range(count)
        ]
        if killing:
            self.killers.update(taken)
        return taken

    async def live(self) -> None:
        """One worker, from its first job to its death or to the end of all it took."""
        await self.skip_waiting()
        claims = await self.claim_all(self._new_name())
        if self.killers & {claim.media_id for claim in claims}:
            await self.expire_leases()
            await self.ledger.reclaim_lost()
            return
        for claim in claims:
            await self.ledger.mark_described(claim, SUMMARY)

    async def claim_all(self, worker: str) -> list[Claim]:
        waiting = Job.objects.filter(kind=EXTRACT, status="queued")
        media = [job.media_id async for job in waiting]
        random.shuffle(media)
        claims = [await self.ledger.claim(one, EXTRACT, worker) for one in media]
        return [claim for claim in claims if claim is not None]

    def _new_name(self) -> str:
        self._started += 1
        return f"host:{self._started}"

    async def end(self, media_id: UUID) -> tuple[str, str, int]:
        """Of the job: its status, its code, and how many workers it has lost."""
        job = await Job.objects.aget(media=media_id, kind=EXTRACT)
        lost = JobAttempt.objects.filter(job=job, outcome="lost", code="lease_lost")
        return job.status, job.failure_code, await lost.acount()


@pytest_asyncio.fixture
async def world(
    database_threads: DatabaseThreads, freshness: Freshness
) -> AsyncIterator[CrashingWorld]:
    yield CrashingWorld(database_threads, freshness)


class TestKiller:
    async def test_alone_it_ends_as_what_it_is(self, world: CrashingWorld) -> None:
        (killer,) = await world.take_in(1, killing=True)
        for _ in range(5):
            await world.live()

        assert await world.end(killer) == ("failed", "crash_loop", 5)
        media = await Media.objects.aget()
        assert (media.status, media.failure_code) == ("failed", "crash_loop")

    @pytest.mark.parametrize("killers", [1, 3])
    async def test_innocent_jobs_beside_it_are_not_taken_along(
        self, world: CrashingWorld, killers: int
    ) -> None:
        guilty = await world.take_in(killers, killing=True)
        innocent = await world.take_in(5)
        for _ in range(5 * killers + len(innocent)):
            await world.live()

        for media_id in guilty:
            assert await world.end(media_id) == ("failed", "crash_loop", 5)
        for media_id in innocent:
            status, code, lost = await world.end(media_id)
            assert (status, code) == ("succeeded", "")
            assert lost == 2


class TestSuspects:
    @pytest_asyncio.fixture
    async def suspects(self, world: CrashingWorld) -> list[UUID]:
        """Two, and only one of them is what the workers died of."""
        (killer,) = await world.take_in(1, killing=True)
        (innocent,) = await world.take_in(1)
        for _ in range(2):
            await world.live()
        await world.skip_waiting()
        return [killer, innocent]

    async def test_run_in_one_process_one_after_the_other(
        self, world: CrashingWorld, suspects: list[UUID]
    ) -> None:
        assert len(await world.ledger.due(EXTRACT, 10)) == 2
        claims = await asyncio.gather(
            *(world.ledger.claim(one, EXTRACT, "worker-1") for one in suspects)
        )
        (first,) = [claim for claim in claims if claim is not None]
        (second,) = {*suspects} - {first.media_id}
        assert await world.ledger.due(EXTRACT, 10) == []

        await world.ledger.mark_described(first, SUMMARY)

        rung_for = [job.media_id for job in await world.ledger.due(EXTRACT, 10)]
        assert rung_for == [second]
        assert (await world.claimed(second, EXTRACT)).attempt == 3

    async def test_another_process_is_free_for_them(
        self, world: CrashingWorld, suspects: list[UUID]
    ) -> None:
        await world.claimed(suspects[0], EXTRACT)
        assert await world.ledger.claim(suspects[1], EXTRACT, "worker-2") is not None

    async def test_who_is_new_runs_beside_them(
        self, world: CrashingWorld, suspects: list[UUID]
    ) -> None:
        await world.claimed(suspects[0], EXTRACT)
        session = await sync_to_async(world.session)("other@example.org")
        new = await world.taken_in(session, b"quite another video")
        await world.claimed(new, EXTRACT)


class TestDatabaseThatWasAway:
    async def test_the_living_renew_their_leases_before_any_is_taken_back(
        self, world: CrashingWorld, service: Service, clean_database: TestDatabase
    ) -> None:
        (media_id,) = await world.take_in(1)
        claim = await world.claimed(media_id, EXTRACT)
        await world.expire_leases()
        sweep_jobs = service.worker.sweep_jobs
        async with clean_database.cutting_whoever_waits_for("worker_heartbeat"):
            with pytest.raises(DatabaseAway):
                await sweep_jobs.execute()

        for _ in range(LENIENT_SWEEPS):
            await sweep_jobs.execute()
        assert await world.ledger.renew(claim, 50)

        await world.expire_leases()
        await sweep_jobs.execute()
        assert not await world.ledger.renew(claim, 50)


class TestParser:
    """Real children, which do what MediaInfo does with a file that breaks it."""

    # Each with the time that it has.
    PROGRAMS = (
        ("import os\nos.abort()", 10.0, "extractor_crashed"),
        ("while True:\n    pass", 0.6, "extractor_timed_out"),
        ("bomb = bytearray(1 << 40)", 10.0, "extractor_out_of_memory"),
    )

    @pytest.mark.parametrize(("program", "wall_seconds", "code"), PROGRAMS)
    async def test_that_a_file_breaks_is_tried_once_more(
        self,
        service: Service,
        clips: ClipMaker,
        tmp_path: Path,
        program: str,
        wall_seconds: float,
        code: str,
    ) -> None:
        (tmp_path / "parser.py").write_text(program)
        worker = service.worker
        worker.extract_metadata = replace(
            worker.extract_metadata,
            extractor=MediaInfoExtractor(
                ChildLimits(wall_seconds=wall_seconds), tmp_path / "parser.py"
            ),
        )
        operator = await service.signed_in("a@example.org", "media_operator")
        media_id = await operator.uploaded(clips.mp4(0.2))
        for _ in range(3):
            await service.work(media_id)
            await LedgerWorld.skip_waiting()

        jobs = (await operator.get(media_id, "jobs/")).json()["items"]
        (job,) = [job for job in jobs if job["kind"] == EXTRACT]
        assert job["status"] == "failed"
        assert [attempt["code"] for attempt in job["attempts"]] == [code, code]
        media = (await operator.get(media_id)).json()
        assert (media["status"], media["failure"]["code"]) == ("failed", code)
