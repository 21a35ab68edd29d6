"""Videos whose uploads are recorded in PostgreSQL, as in a worker."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async

from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import BlobRef
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import UploadedPart
from backend.use_cases.ports import Claim, Freshness, ObjectStorage, UploadJournal
from tests.blobs import BlobMaker
from tests.database import TestDatabase
from tests.ledger_world import LedgerWorld

AT_ONCE = RetryPolicy(first_delay=timedelta(), longest_delay=timedelta())


def ignored(count: int) -> None:
    """For whoever does not want to know how much was moved."""


class RecordedUploads:
    """Takes videos in, claims their upload jobs and puts their bytes."""

    def __init__(
        self, threads: DatabaseThreads, freshness: Freshness, folder: Path
    ) -> None:
        self.world = LedgerWorld(threads, freshness, AT_ONCE)
        self._blobs = BlobMaker(folder)

    async def claimed(self, content: bytes) -> Claim:
        session = await sync_to_async(self.world.session)()
        media_id = await self.world.taken_in(session, content)
        return await self.world.claimed(media_id, JobKind.UPLOAD_TO_CDN)

    async def claimed_again(self, claim: Claim) -> Claim:
        """As after the death of the worker that had it."""
        await self.world.expire_leases()
        await self.world.ledger.reclaim_lost()
        return await self.world.claimed(claim.media_id, claim.kind)

    def journal(self, claim: Claim) -> UploadJournal:
        return self.world.uploads.journal(claim)

    async def put(
        self,
        storage: ObjectStorage,
        claim: Claim,
        content: bytes,
        moved: Callable[[int], None] = ignored,
    ) -> BlobRef:
        """Put what is in the file, be it what was received or not."""
        with self._blobs.opened(content) as source:
            await storage.put_resumably(claim.blob, source, moved, self.journal(claim))
        return claim.blob

    async def put_new(
        self,
        storage: ObjectStorage,
        content: bytes,
        moved: Callable[[int], None] = ignored,
    ) -> BlobRef:
        return await self.put(storage, await self.claimed(content), content, moved)

    @staticmethod
    @sync_to_async
    def noted() -> list[int]:
        """The numbers of all parts that need not be sent again."""
        numbers = UploadedPart.objects.order_by("number")
        return list(numbers.values_list("number", flat=True))


@pytest.fixture
def recorded(
    clean_database: TestDatabase,
    database_threads: DatabaseThreads,
    freshness: Freshness,
    tmp_path: Path,
) -> RecordedUploads:
    return RecordedUploads(database_threads, freshness, tmp_path)
