"""Media, blobs and jobs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from backend.domain.failures import JobFailed
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

# Staged files that are no longer needed. The rows say so, and nothing can come
# to need them between the commit and their removal.
StagedNames = tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job until the lease ends; every write carries the fence.

    `video` is None for a tombstone, which has no bytes. `staged_picture` is the picture
    that was sent for the miniature, if any. `waited_seconds` is how long the job had
    been due.
    """

    job_id: UUID
    media_id: UUID
    kind: JobKind
    attempt: int
    fence: int
    video: BlobRef | None
    request_id: str
    staged_picture: UUID | None = None
    waited_seconds: float = 0.0

    @property
    def blob(self) -> BlobRef:
        """The bytes of the video. Raises `ValueError` for a tombstone, which has none."""
        if self.video is None:
            raise ValueError("A tombstone has no bytes.")
        return self.video


@dataclass(frozen=True, slots=True)
class DueJob:
    """A due queued job for which no message was sent recently."""

    media_id: UUID
    kind: JobKind
    request_id: str


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """The `media` of jobs that lost their worker, and the files that are no longer
    needed."""

    media: tuple[UUID, ...] = ()
    unneeded: StagedNames = ()


class MediaLedger(Protocol):
    """Media, blobs and jobs in PostgreSQL: each method is one transaction.

    Changes visible to readers are made known before `replace_miniature`, `change`,
    `delete` and `retry` return, and before `ingest` returns if it changed existing
    media; all others make them known as soon as possible. Every method raises
    `DatabaseAway`, and its subclass `DatabaseSilent` if the work began and its outcome
    is unknown.
    """

    async def ingest(self, new: NewMedia, sighting: Sighting | None = None) -> Ingested:
        """Write blob, media and jobs, or find the owner's live media of these bytes.

        If a blob has lost its object, the received file replaces it and its media are
        processed again; so is a media of the owner that had failed for that reason. If
        the object could not be checked, the file is kept and a job will check.

        Raises `CommitUnknown`, `InvalidToken` and `RightMissing` (session, account and
        right are checked again), `StagedFileGone` if there is no such file. With
        nothing written it raises `ObjectUnseen` if the blob is stored and `sighting` is
        not of its object, as the blob is now, and `StagedFileNotSealed` if the file is
        needed and not sealed. With a media that was found the picture that was sent is
        not needed.
        """

    async def check_miniature(self, media_id: UUID, caller: Caller) -> None:
        """Check whether `replace_miniature` is allowed, before there is a picture.

        Raises `MediaNotFound`, `RightMissing` and `JobOpen`, as that would.
        """

    async def replace_miniature(self, new: NewMiniature) -> UUID:
        """Queue the job that makes the picture the miniature; returns its uuid.

        Raises as `ingest` does, and `MediaNotFound`, `JobOpen`.
        """

    async def change(self, change: MediaChange, caller: Caller) -> None:
        """Give the media another title or description.

        Raises `MediaNotFound`, `InvalidToken` and `RightMissing` (session, account
        and right are looked at again), `RevisionMismatch`.
        """

    async def find(self, owner_id: UUID, sha256: str) -> OwnedMedia | None:
        """The owner's live media of these bytes; media of others are not considered.

        None also if its bytes are known to be lost; whether the object of a stored blob
        exists is not checked.
        """

    async def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        """Take the open job of this kind, or None if another worker has it."""

    async def renew(self, claim: Claim, progress: int) -> bool:
        """Prolong the lease; False if the claim is no longer ours.

        Raises `JobFailed` with `media_deleted` when the work is no longer needed.
        """

    async def lose_object(self, claim: Claim, blob: BlobRef) -> None:
        """The object of a stored blob is gone, and this attempt has its bytes.

        To be called before they are put: until they are proven, the object under the
        key is not trusted, and everything that relied on it is made again. Raises
        `JobFailed` with `lease_lost`, and with `object_missing` if its file is about to
        be removed.
        """

    async def regain_object(self, claim: Claim, blob: BlobRef) -> None:
        """The object of a `missing` blob exists: its other media come back.

        Raises `JobFailed` with `lease_lost`.
        """

    async def mark_published(self, claim: Claim) -> StagedNames:
        """The object is stored: write the Url and end the job.

        Returns the files that are no longer needed now that this attempt is over.
        Raises `JobFailed` with `lease_lost`.
        """

    async def mark_described(
        self, claim: Claim, summary: TechnicalSummary
    ) -> StagedNames:
        """The document is stored: write the summary and end the job; as above."""

    async def begin_picture(self, claim: Claim, picture: Picture) -> BlobRef:
        """The blob under which the picture is to be stored, perhaps shared.

        Raises `JobFailed` with `lease_lost` or `media_deleted`.
        """

    async def show_picture(self, claim: Claim) -> tuple[ObjectKey, ...]:
        """The picture is stored: readers see it from now on.

        Returns the objects that are no longer needed; the row of the job names them
        until it has succeeded. Raises as `begin_picture` does.
        """

    async def has_blob(self, blob_id: UUID) -> bool:
        """False once it is given up; uuids are never reused."""

    async def stored_blob(self, blob_id: UUID) -> BlobRef | None:
        """None unless its object is believed to exist."""

    async def mark_pictured(self, claim: Claim) -> StagedNames:
        """Those objects are gone: end the job; as `mark_published`."""

    async def fail(self, claim: Claim, error: JobFailed) -> StagedNames:
        """End the attempt as failed: queue the job again or, after the last attempt,
        fail it.

        If the job decides about its media, the media fails too. Returns as
        `mark_published` does; nothing if the claim is no longer ours: what such an
        attempt has stored is left to the deletion of its media, if that is deleted.
        """

    async def release(self, claim: Claim) -> None:
        """Give the job back at once, without using up an attempt, because the worker
        stops. If the claim is no longer ours, as `fail`."""

    async def delete(
        self,
        media_id: UUID,
        caller: Caller,
        request_id: str,
        revisions: Collection[str] | None = None,
    ) -> None:
        """Hide the media from every reader and queue its `delete_media`.

        Raises `MediaNotFound`, `InvalidToken` and `RightMissing` (session, account and
        right are looked at again), and `RevisionMismatch` if it has none of these
        revisions.
        """

    async def let_go(self, claim: Claim) -> Leftovers:
        """Turn the media into a tombstone, and forget its blob if no other media has
        it.

        Returns what must be removed from the other stores. Raises `JobFailed` with
        `lease_lost`.
        """

    async def note_removed(self, claim: Claim, removed: Leftovers) -> None:
        """Record what is done, so that another attempt need not repeat it.

        Raises `JobFailed` with `lease_lost`.
        """

    async def mark_deleted(self, claim: Claim, removed: Leftovers) -> None:
        """Everything to be removed is removed, this by the attempt: end it.

        The job continues if more has been left meanwhile. Raises `JobFailed` with
        `lease_lost`.
        """

    async def purge_tombstones(self, keep: timedelta, most: int) -> int:
        """Forget tombstones of this age; returns how many."""

    async def retry(
        self, media_id: UUID, kind: JobKind, caller: Caller, request_id: str
    ) -> RetriedJob:
        """Open a new job to replace one that failed for good.

        Raises `MediaNotFound`, `InvalidToken`, `RightMissing`, `JobOpen`,
        `NothingToRetry` and, if a failed media may not become live again because its
        owner has another, `DuplicateMedia`.
        """

    async def reclaim_lost(self) -> Reclaimed:
        """Queue jobs whose lease has ended, or fail those that are given up."""

    async def due(self, kind: JobKind, most: int) -> list[DueJob]:
        """Queued jobs to ring for, marked as rung."""

    async def beat(self, worker: str) -> None:
        """Note that the worker is alive."""

    async def purge_heartbeats(self, keep: timedelta, most: int) -> int:
        """Forget workers that were silent for this long; returns how many.

        The most recent one stays, because it says since when there is no worker.
        """
