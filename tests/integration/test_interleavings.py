"""Uploads, deletions and retries of the same bytes, at once and in any order."""

import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from backend.config.worker_container import WorkerContainer
from backend.orm.models import Blob, ConsistencyReport, Reconciliation
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.interleaving_process import StoredNames
from tests.interleavings import Seen
from tests.uncovered import Uncovered

PROCESSES = 2
# Interleavings: so many contents, each so many times in a row.
TIMES = 10
FEW = 60 // TIMES
MANY = 500 // TIMES
MORE = 1_000 // TIMES
# After so many of them at least something is ready, or two owners share what is.
READY_SHARE, SHARED_SHARE = 1 / 2, 1 / 4
RECONCILED = ("reconciled",)
LEAST_TURNS = 5
ROOT = Path(__file__).resolve().parents[2]


class TestInterleavings:
    @pytest.fixture
    async def container(self, clean_database: object) -> AsyncIterator[WorkerContainer]:
        container = WorkerContainer(settings.ENVIRONMENT)
        await container.object_storage.prepare()
        yield container
        await container.close()

    @pytest.mark.timeout(900)
    @pytest.mark.parametrize(
        ("contents", "more"),
        [
            # Nobody sweeps up what they leave.
            (FEW, ()),
            # Nobody takes away what they still need.
            pytest.param(MANY, RECONCILED, marks=pytest.mark.faults),
            pytest.param(MANY, (), marks=pytest.mark.faults),
            pytest.param(MORE, (), marks=pytest.mark.long),
        ],
    )
    async def test_what_is_ready_is_whole_and_what_is_deleted_leaves_nothing(
        self,
        container: WorkerContainer,
        clips: ClipMaker,
        contents: int,
        more: tuple[str, ...],
    ) -> None:
        seed = os.environ.get("INTERLEAVINGS_SEED") or str(random.randrange(10**6))
        clip = clips.mp4(0.04, audio=False, width=64, height=48)
        stores = StoredNames(container)
        before = await stores.all()

        share = contents // PROCESSES
        told = await asyncio.gather(
            *(
                self.told(seed, n * share, share, TIMES, clip, *more)
                for n in range(PROCESSES)
            )
        )

        complaints = "\n".join(complaint for _, complaint in told if complaint)
        assert not complaints, f"INTERLEAVINGS_SEED={seed}\n{complaints}"
        self.check_enough([seen for seen, _ in told], contents * TIMES)
        if more:
            assert (await Reconciliation.objects.aget()).turn >= LEAST_TURNS
            assert await ConsistencyReport.objects.aexists()
        assert await stores.all() - before == set()
        # Those of miniatures, too, which belong to no content.
        assert [blob.uuid async for blob in Blob.objects.all()] == []

    @staticmethod
    def check_enough(shares: list[Seen], interleavings: int) -> None:
        """What holds for every media that is ready says nothing if none ever is."""
        seen = Seen()
        for share in shares:
            seen.add(share)
        print(f"after {interleavings} interleavings: {seen}")  # noqa: T201
        assert seen.ready >= READY_SHARE * interleavings, seen
        assert seen.shared >= SHARED_SHARE * interleavings, seen

    @staticmethod
    async def told(*arguments: object) -> tuple[Seen, str]:
        """What a process saw that does its share, and of what it complains."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.interleaving_process"),
            *map(str, arguments),
            cwd=ROOT,
            env=Uncovered.environment(DATABASE_URL=TestDatabase.url()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, errors = await process.communicate()
        finally:
            # One that is not waited for any more.
            with suppress(ProcessLookupError):
                process.kill()
        if process.returncode != 0:
            return Seen(), errors.decode() or "It was killed."
        return Seen(**json.loads(output)), errors.decode()
