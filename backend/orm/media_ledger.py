"""The ledger over PostgreSQL: async outside, one transaction on a database thread inside."""

from collections.abc import Callable, Collection, Coroutine
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import structlog

from backend.domain.failures import JobFailed
from backend.domain.freshness import Scopes
from backend.domain.jobs import JobKind, RetriedJob
from backend.domain.leftovers import Leftovers
from backend.domain.media import (
    BlobRef,
    Caller,
    Ingested,
    MediaChange,
    NewMedia,
    NewMiniature,
    ObjectKey,
    OwnedMedia,
    Picture,
)
from backend.domain.sightings import Sighting
from backend.domain.technical import TechnicalSummary
from backend.orm.blob_rows import BlobRows
from backend.orm.blob_use import BlobUse
from backend.orm.database_threads import DatabaseThreads
from backend.orm.held_job import LeaseLost
from backend.orm.job_claims import JobClaims
from backend.orm.job_endings import JobEndings
from backend.orm.job_pictures import JobPictures
from backend.orm.job_retry import JobRetry
from backend.orm.job_sweep import JobSweep
from backend.orm.known_changes import KnownChanges
from backend.orm.media_changes import MediaChanges
from backend.orm.media_deletion import MediaDeletion, Tombstones
from backend.orm.media_ingest import MediaIngest
from backend.orm.media_removal import MediaRemoval
from backend.orm.miniature_requests import MiniatureRequests
from backend.orm.object_repairs import LostObjects
from backend.orm.transactions import Transactions
from backend.use_cases.ports import (
    Claim,
    DueJob,
    Freshness,
    Reclaimed,
    StagedNames,
)

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)


class DjangoMediaLedger:
    """The `MediaLedger` port. Deadlocks are tried again.

    Changes visible to readers are made known after their commit: requested changes
    before the answer, changes by workers and new media as soon as possible.
    """

    def __init__(
        self,
        threads: DatabaseThreads,
        freshness: Freshness,
        ingest: MediaIngest,
        claims: JobClaims,
        endings: JobEndings,
        sweep: JobSweep,
        deletion: MediaDeletion,
        removal: MediaRemoval,
        tombstones: Tombstones,
        retry: JobRetry,
        pictures: JobPictures,
        miniatures: MiniatureRequests,
        media_changes: MediaChanges,
        lost_objects: LostObjects,
    ) -> None:
        self._transactions = Transactions(threads)
        self._freshness = freshness
        self._changes = KnownChanges(freshness)
        self._ingest = ingest
        self._claims = claims
        self._endings = endings
        self._sweep = sweep
        self._deletion = deletion
        self._removal = removal
        self._tombstones = tombstones
        self._retry = retry
        self._pictures = pictures
        self._miniatures = miniatures
        self._media_changes = media_changes
        self._lost_objects = lost_objects

    async def ingest(self, new: NewMedia, sighting: Sighting | None = None) -> Ingested:
        ingesting = self._transactions.commit(self._ingest.execute, new, sighting)
        ingested = await self._changes.touching(ingesting, Scopes.MEDIA_LISTS)
        if ingested.changed:
            await self._freshness.changed(*Scopes.shown(ingested.changed))
        return ingested

    async def check_miniature(self, media_id: UUID, caller: Caller) -> None:
        await self._transactions.run(self._miniatures.check, media_id, caller)

    async def replace_miniature(self, new: NewMiniature) -> UUID:
        queueing = self._transactions.commit(self._miniatures.execute, new)
        return await self._changing(new.media_id, queueing)

    async def change(self, change: MediaChange, caller: Caller) -> None:
        changing = self._transactions.run(self._media_changes.execute, change, caller)
        await self._changing(change.media_id, changing)

    async def find(self, owner_id: UUID, sha256: str) -> OwnedMedia | None:
        return await self._transactions.run(self._ingest.find, owner_id, sha256)

    async def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        claiming = self._transactions.run(self._claims.claim, media_id, kind, worker)
        return await self._touching(media_id, claiming)

    async def renew(self, claim: Claim, progress: int) -> bool:
        renewing = self._transactions.run(self._claims.renew, claim, progress)
        # Lists do not show progress.
        return await self._changes.touching(renewing, Scopes.media(claim.media_id))

    async def lose_object(self, claim: Claim, blob: BlobRef) -> None:
        losing = self._lost_objects.lose
        changed = await self._transactions.held(losing, claim, blob.uuid)
        if changed:
            await self._freshness.touched(*Scopes.shown(changed))

    async def regain_object(self, claim: Claim, blob: BlobRef) -> None:
        regaining = self._lost_objects.regain
        changed = await self._transactions.held(regaining, claim, blob.uuid)
        if changed:
            await self._freshness.touched(*Scopes.shown(changed))

    async def mark_published(self, claim: Claim) -> StagedNames:
        ending = self._transactions.held(self._endings.mark_published, claim)
        return await self._touching(claim.media_id, ending)

    async def mark_described(
        self, claim: Claim, summary: TechnicalSummary
    ) -> StagedNames:
        ending = self._transactions.held(self._endings.mark_described, claim, summary)
        return await self._touching(claim.media_id, ending)

    async def begin_picture(self, claim: Claim, picture: Picture) -> BlobRef:
        return await self._transactions.held(self._pictures.begin, claim, picture)

    async def show_picture(self, claim: Claim) -> tuple[ObjectKey, ...]:
        showing = self._transactions.held(self._pictures.show, claim)
        return await self._touching(claim.media_id, showing)

    async def has_blob(self, blob_id: UUID) -> bool:
        return await self._transactions.run(BlobUse(blob_id).is_known)

    async def stored_blob(self, blob_id: UUID) -> BlobRef | None:
        return await self._transactions.run(BlobRows.stored, blob_id)

    async def mark_pictured(self, claim: Claim) -> StagedNames:
        ending = self._transactions.held(self._endings.mark_pictured, claim)
        return await self._touching(claim.media_id, ending)

    async def delete(
        self,
        media_id: UUID,
        caller: Caller,
        request_id: str,
        revisions: Collection[str] | None = None,
    ) -> None:
        hiding = self._transactions.run(
            self._deletion.begin, media_id, caller, request_id, revisions
        )
        await self._changing(media_id, hiding)

    async def retry(
        self, media_id: UUID, kind: JobKind, caller: Caller, request_id: str
    ) -> RetriedJob:
        opening = self._transactions.run(
            self._retry.execute, media_id, kind, caller, request_id
        )
        return await self._changing(media_id, opening)

    async def let_go(self, claim: Claim) -> Leftovers:
        return await self._transactions.held(self._removal.let_go, claim)

    async def note_removed(self, claim: Claim, removed: Leftovers) -> None:
        await self._transactions.held(self._removal.note_removed, claim, removed)

    async def mark_deleted(self, claim: Claim, removed: Leftovers) -> None:
        await self._transactions.held(self._removal.end, claim, removed)

    async def purge_tombstones(self, keep: timedelta, most: int) -> int:
        return await self._transactions.run(self._tombstones.purge, keep, most)

    async def fail(self, claim: Claim, error: JobFailed) -> StagedNames:
        ending = self._give_up(claim, self._endings.fail, claim, error)
        return await self._touching(claim.media_id, ending) or ()

    async def release(self, claim: Claim) -> None:
        ending = self._give_up(claim, self._endings.release, claim)
        await self._touching(claim.media_id, ending)

    async def reclaim_lost(self) -> Reclaimed:
        reclaimed = await self._transactions.run(self._sweep.reclaim_lost)
        if reclaimed.media:
            await self._freshness.touched(*Scopes.shown(reclaimed.media))
        return reclaimed

    async def due(self, kind: JobKind, most: int) -> list[DueJob]:
        return await self._transactions.run(self._sweep.due, kind, most)

    async def beat(self, worker: str) -> None:
        await self._transactions.run(self._sweep.beat, worker)

    async def purge_heartbeats(self, keep: timedelta, most: int) -> int:
        return await self._transactions.run(self._sweep.purge_heartbeats, keep, most)

    async def _changing(self, media_id: UUID, work: Coroutine[Any, Any, R]) -> R:
        return await self._changes.changing(work, *Scopes.shown([media_id]))

    async def _touching(self, media_id: UUID, work: Coroutine[Any, Any, R]) -> R:
        return await self._changes.touching(work, *Scopes.shown([media_id]))

    async def _give_up(
        self,
        claim: Claim,
        unit: Callable[P, R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R | None:
        """None if that is too late; what the attempt has left is removed all the same."""
        try:
            return await self._transactions.run(unit, *args, **kwargs)
        except LeaseLost:
            log.warning(
                "job.fenced", media_id=str(claim.media_id), kind=claim.kind.value
            )
            await self._transactions.run(self._removal.reopen, claim)
            return None
