"""A process that does some of the interleavings; together they have all cores.

`python -m tests.interleaving_process SEED FIRST COUNT TIMES CLIP [reconciled]`: COUNT
contents from the FIRST one on, each TIMES in a row, if so beside the reconciler. It says
what it has seen; if something was wrong it says so where errors are told, and ends with 1.
"""

import asyncio
import dataclasses
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import django
import structlog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - needs Django set up

from backend.adapters.redis_hints import RedisHints  # noqa: E402
from backend.adapters.redis_ingest_leases import RedisIngestLeases  # noqa: E402
from backend.config.reconcile_container import ReconcileContainer  # noqa: E402
from backend.config.worker_container import WorkerContainer  # noqa: E402
from backend.orm.reconciliations import DjangoReconciliations  # noqa: E402
from tests.interleavings import Interleavings, Seen, System  # noqa: E402
from tests.s3 import S3Lab  # noqa: E402


class StoredNames:
    """Names of everything that the stores hold besides PostgreSQL."""

    def __init__(self, container: WorkerContainer) -> None:
        self._container = container

    async def all(self) -> set[str]:
        return {
            *await asyncio.to_thread(lambda: set(self._objects())),
            *[name async for name in self._documents()],
            *os.listdir(self._container.environment.staging_dir),  # noqa: PTH208
        }

    def _objects(self) -> Iterator[str]:
        """The part of each key that is the uuid of the blob."""
        connection = self._container.s3_connection
        pages = connection.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=connection.bucket):
            yield from (Path(item["Key"]).stem for item in page.get("Contents", []))

    async def _documents(self) -> AsyncIterator[str]:
        async with self._container.mongo_connection.database() as database:
            async for document in database["metadata"].find({}, {"_id": 1}):
                yield str(document["_id"])


class InterleavingProcess:
    """Does the interleavings of some contents, several contents at once."""

    AT_ONCE = 8
    OWNERS = 3
    SWEEP_SECONDS = 0.2
    # Shorter than it may be set to: what is under way is found, and asking again saves it.
    GRACE_SECONDS = 0.1

    def __init__(
        self, seed: str, contents: range, times: int, clip: Path, *, reconciled: bool
    ) -> None:
        self._seed = seed
        self._reconciled = reconciled
        self._contents = contents
        self._times = times
        self._clip = clip.read_bytes()
        self._few = asyncio.Semaphore(self.AT_ONCE)

    async def run(self) -> Seen:
        """Of all contents together. Raises what went wrong."""
        async with self._system() as system:
            owners = await Interleavings.owners(self.OWNERS)
            done = {
                number: Interleavings(
                    system, self._clip, f"{self._seed}-{number}", owners
                )
                for number in self._contents
            }
            async with asyncio.TaskGroup() as tasks:
                sweep = tasks.create_task(self._sweep(system, list(done.values())))
                reconcile = tasks.create_task(self._reconcile())
                async with asyncio.TaskGroup() as contents:
                    for number, some in done.items():
                        contents.create_task(self._do(number, some))
                sweep.cancel()
                reconcile.cancel()
            left = await StoredNames(system.container).all()
        seen = Seen()
        for number, some in done.items():
            names = left.intersection(map(str, some.content.names))
            assert not names, f"content {number} has left {names}"
            seen.add(some.seen)
        return seen

    @asynccontextmanager
    async def _system(self) -> AsyncIterator[System]:
        container = WorkerContainer(settings.ENVIRONMENT)
        hints = RedisHints(settings.ENVIRONMENT.redis_url.get_secret_value())
        # Twins do not wait for each other here: they shall meet in PostgreSQL.
        leases = RedisIngestLeases(hints, twin_seconds=0)
        with TemporaryDirectory() as folder:
            lab = S3Lab(Path(folder))
            async with lab.storage(secret_access_key="revoked") as locked_out:
                yield System(container, locked_out, leases)
        await hints.close()
        await container.close()

    async def _sweep(self, system: System, all_of_them: list[Interleavings]) -> None:
        """Beside the workers, as in every worker process: a sweep may pass over a lease
        that was lost, when another is under way or somebody has locked its media."""
        while True:
            await asyncio.sleep(self.SWEEP_SECONDS)
            await system.world.ledger.reclaim_lost()
            for some in all_of_them:
                some.content.bell.release()

    async def _reconcile(self) -> None:
        """As in every worker process too, turn after turn, if it is wanted here."""
        if not self._reconciled:
            return
        pause = timedelta(seconds=self.SWEEP_SECONDS)
        container = ReconcileContainer(
            settings.ENVIRONMENT.model_copy(
                update={"reconcile_grace_seconds": self.GRACE_SECONDS}
            )
        )
        container.reconciliations = DjangoReconciliations(
            container.database_threads, pause
        )
        try:
            while True:
                await container.reconcile_turn.execute()
                await asyncio.sleep(self.SWEEP_SECONDS)
        finally:
            await container.close()

    async def _do(self, number: int, some: Interleavings) -> None:
        async with self._few:
            try:
                await some.run(self._times)
            except BaseException as error:
                error.add_note(f"content {number} of seed {self._seed}")
                raise


if __name__ == "__main__":
    seed, first, count, times, clip, *more = sys.argv[1:]
    only_errors = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(
        wrapper_class=only_errors,
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    contents = range(int(first), int(first) + int(count))
    process = InterleavingProcess(
        seed, contents, int(times), Path(clip), reconciled=more == ["reconciled"]
    )
    json.dump(dataclasses.asdict(asyncio.run(process.run())), sys.stdout)
