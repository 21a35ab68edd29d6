"""Uploads, deletions and retries of the same bytes, at once and in any order."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from backend.config.worker_container import WorkerContainer
from backend.orm.models import Blob
from tests.clips import ClipMaker
from tests.database import TestDatabase
from tests.interleaving_process import StoredNames

PROCESSES = 2
# 500 interleavings: so many contents, each so many times in a row.
CONTENTS = 50
TIMES = 10
ROOT = Path(__file__).resolve().parents[2]


class TestInterleavings:
    @pytest.fixture
    async def container(self, clean_database: object) -> AsyncIterator[WorkerContainer]:
        container = WorkerContainer(settings.ENVIRONMENT)
        await container.object_storage.prepare()
        yield container
        await container.close()

    async def test_what_is_ready_is_whole_and_what_is_deleted_leaves_nothing(
        self, container: WorkerContainer, clips: ClipMaker
    ) -> None:
        seed = os.environ.get("INTERLEAVINGS_SEED") or str(random.randrange(10**6))
        clip = clips.mp4(0.04, audio=False, width=64, height=48)
        stores = StoredNames(container)
        before = await stores.all()

        share = CONTENTS // PROCESSES
        told = await asyncio.gather(
            *(self.told(seed, n * share, share, TIMES, clip) for n in range(PROCESSES))
        )

        complaints = "\n".join(filter(None, told))
        assert not complaints, f"INTERLEAVINGS_SEED={seed}\n{complaints}"
        assert await stores.all() - before == set()
        # Those of miniatures, too, which belong to no content.
        assert [blob.uuid async for blob in Blob.objects.all()] == []

    @staticmethod
    async def told(*arguments: object) -> str:
        """What a process says that does its share; nothing if all is well."""
        # Measuring what is covered would take as long as the test itself.
        environment = {k: v for k, v in os.environ.items() if "COVERAGE" not in k}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.interleaving_process"),
            *map(str, arguments),
            cwd=ROOT,
            env={**environment, "DATABASE_URL": TestDatabase.url()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            # One that is not waited for any more.
            with suppress(ProcessLookupError):
                process.kill()
        return output.decode() or ("" if process.returncode == 0 else "It was killed.")
