"""Whenever readers see another media, it has another revision."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from backend.adapters.cdn_addresses import PublicCdnAddresses
from backend.api.media_shapes import MediaShapes
from backend.domain.errors import MediaNotFound
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.jobs import JobKind, RetryPolicy
from backend.domain.media import Caller, MediaChange, NewMiniature, Picture, StagedFile
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_repository import MediaRepository
from backend.orm.models import Media, Session
from backend.use_cases.ports import Claim, Freshness
from tests.database import TestDatabase
from tests.ledger_world import SUMMARY, LedgerWorld

UPLOAD, EXTRACT, PICTURE = (
    JobKind.UPLOAD_TO_CDN,
    JobKind.EXTRACT_METADATA,
    JobKind.MAKE_MINIATURE,
)
AWAY = JobFailed(FailureCode.OBJECT_STORE_AWAY, "no answer")
BROKEN = JobFailed(FailureCode.UNREADABLE_MEDIA, "no video in it")
NO_FRAME = JobFailed(FailureCode.UNREADABLE_PICTURE, "no frame")


class Life:
    """A media that things happen to, looked at after each of them."""

    def __init__(
        self,
        threads: DatabaseThreads,
        lines: DatabaseLines,
        freshness: Freshness,
        session: Session,
    ) -> None:
        self._world = LedgerWorld(threads, freshness, RetryPolicy())
        self._readers = MediaRepository(threads, lines)
        self._shapes = MediaShapes(PublicCdnAddresses("http://cdn"))
        self._session = session
        self.ledger = self._world.ledger

    async def begin(self) -> None:
        self.media_id = await self._world.taken_in(self._session)
        self._last = await self._seen()

    async def caller(self) -> Caller:
        return await sync_to_async(LedgerWorld.caller)(self._session)

    async def claim(self, kind: JobKind) -> Claim:
        await self._world.skip_waiting()
        claim = await self._world.claimed(self.media_id, kind)
        await self.look()
        return claim

    async def lose(self) -> None:
        await self._world.expire_leases()
        await self.ledger.reclaim_lost()
        await self.look()

    async def fail(self, kind: JobKind, error: JobFailed) -> None:
        await self.ledger.fail(await self.claim(kind), error)
        await self.look()

    async def picture(self, claim: Claim, content: bytes) -> None:
        picture = Picture(content, 64, 32, "tests")
        await self.ledger.begin_picture(claim, picture)
        await self.ledger.show_picture(claim)
        await self.look()
        await self.ledger.mark_pictured(claim)
        await self.look()

    async def replace(self) -> None:
        file = self._world.received(self._session, b"a picture").file
        await self.ledger.replace_miniature(
            NewMiniature(
                self.media_id,
                self._session.user_id,
                self._session.uuid,
                StagedFile(file.name, 9, file.sha256),
            )
        )
        await self.look()

    async def retry(self, kind: JobKind) -> None:
        await self.ledger.retry(self.media_id, kind, await self.caller(), "r")
        await self.look()

    async def look(self) -> None:
        """Every step of this life is one that readers see."""
        now = await self._seen()
        assert now[1] != self._last[1], "a step that changed nothing"
        assert now[0] > self._last[0], (self._last, now)
        self._last = now

    async def _seen(self) -> tuple[int, dict[str, Any]]:
        row = await self._readers.detail(self.media_id)
        body = self._shapes.whole(row)
        del body["updated_at"]
        return body.pop("revision"), body


@pytest.fixture
async def life(
    clean_database: TestDatabase,
    database_threads: DatabaseThreads,
    database_lines: DatabaseLines,
    freshness: Freshness,
) -> Life:
    session = await sync_to_async(LedgerWorld.session)()
    life = Life(database_threads, database_lines, freshness, session)
    await life.begin()
    return life


async def test_a_whole_life(life: Life) -> None:
    ledger = life.ledger
    upload = await life.claim(UPLOAD)
    await ledger.release(upload)
    await life.look()
    await life.fail(UPLOAD, AWAY)
    await life.claim(UPLOAD)
    await life.lose()
    await life.fail(EXTRACT, BROKEN)
    # Already failed, and yet another of its jobs is seen to begin and to end.
    await ledger.mark_published(await life.claim(UPLOAD))
    await life.look()
    await life.fail(PICTURE, NO_FRAME)
    await life.retry(PICTURE)
    await life.picture(await life.claim(PICTURE), b"red")
    await life.retry(EXTRACT)
    await ledger.mark_described(await life.claim(EXTRACT), SUMMARY)
    await life.look()
    await life.replace()
    await life.picture(await life.claim(PICTURE), b"blue")
    await ledger.change(MediaChange(life.media_id, "Another"), await life.caller())
    await life.look()
    assert (await Media.objects.aget(uuid=life.media_id)).status == "ready"

    before = (await Media.objects.aget(uuid=life.media_id)).revision
    await ledger.delete(life.media_id, await life.caller(), "r")
    with pytest.raises(MediaNotFound):
        await life.look()
    assert (await Media.objects.aget(uuid=life.media_id)).revision > before


async def test_both_deciding_jobs_fail(life: Life) -> None:
    """The second changes its own status and nothing else."""
    await life.fail(EXTRACT, BROKEN)
    await life.fail(UPLOAD, JobFailed(FailureCode.STAGED_FILE_MISSING, "lost"))
