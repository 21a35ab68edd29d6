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

# Files in staging that nobody needs any more. The rows say so, and nobody can come
# to need them between the commit and their removal.
StagedNames = tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job until the lease ends; every write carries the fence.

    `video` is None for a tombstone, which has let go of its bytes. `staged_picture` is
    what a miniature is to be made from, if a picture was sent. `waited_seconds` is how
    long the job had been due.
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
            raise ValueError("A tombstone has let go of its bytes.")
        return self.video


@dataclass(frozen=True, slots=True)
class DueJob:
    """A queued job whose time has come and that nobody was told of lately."""

    media_id: UUID
    kind: JobKind
    request_id: str


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """The `media` of jobs that had lost their worker, and what is not needed now."""

    media: tuple[UUID, ...] = ()
    unneeded: StagedNames = ()


class MediaLedger(Protocol):
    """Media, blobs and jobs in PostgreSQL, the truth: one method is one transaction.

    What readers see of a change is made known: before `replace_miniature`, `change`,
    `delete` and `retry` return, and `ingest` where it changes media that were there; as
    soon as possible by all others.

    Every method raises `DatabaseAway`, and its kind `DatabaseSilent` when the work was
    begun and nobody knows how it ended.
    """

    async def ingest(self, new: NewMedia, sighting: Sighting | None = None) -> Ingested:
        """Write blob, media and jobs, or find the owner's live media of these bytes.

        A blob that had lost its object lives on from the received file, and its media
        are processed again; so is one of the owner's that had failed for that reason.
        Where nobody could look for the object the file is kept, and a job will look.

        Raises `CommitUnknown`, `InvalidToken` and `RightMissing` (session, account
        and right are looked at again), `StagedFileGone` if there is no such file. With
        nothing written it raises `ObjectUnseen` if the blob is stored and `sighting`
        is not of its object, as the blob is now, and `StagedFileNotSealed` if the file
        is needed and not sealed. With a media that was found the picture that was sent
        is not needed.
        """

    async def check_miniature(self, media_id: UUID, caller: Caller) -> None:
        """Ask for `replace_miniature` before there is a picture.

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
        """The owner's live media of these bytes; nobody else's is looked at.

        None, too, if its bytes are known to be lost; whether the object of a blob that
        is stored is there, nobody has looked.
        """

    async def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        """Take the open job of this kind, or None if somebody else has it."""

    async def renew(self, claim: Claim, progress: int) -> bool:
        """Prolong the lease; False if the claim is no longer ours.

        Raises `JobFailed` with `media_deleted` when nobody wants the work any more.
        """

    async def lose_object(self, claim: Claim, blob: BlobRef) -> None:
        """The object of a blob that was stored is gone, and this attempt has its bytes.

        Before it puts them: until they are proven, nobody believes what is under the
        key, and whatever relied on it is made again. Raises `JobFailed` with
        `lease_lost`, and with `object_missing` where its file is about to go.
        """

    async def regain_object(self, claim: Claim, blob: BlobRef) -> None:
        """The object of a blob that is `missing` is there: its other media come back.

        Raises `JobFailed` with `lease_lost`.
        """

    async def mark_published(self, claim: Claim) -> StagedNames:
        """The object is there: write the Url and end the job.

        Returns what is not needed any more, now that this attempt is over. Raises
        `JobFailed` with `lease_lost`.
        """

    async def mark_described(
        self, claim: Claim, summary: TechnicalSummary
    ) -> StagedNames:
        """The document is there: write the summary and end the job; as above."""

    async def begin_picture(self, claim: Claim, picture: Picture) -> BlobRef:
        """The blob under which the picture is to be stored, perhaps shared.

        Raises `JobFailed` with `lease_lost` or `media_deleted`.
        """

    async def show_picture(self, claim: Claim) -> tuple[ObjectKey, ...]:
        """The picture is stored: readers see it from now on.

        Returns the objects that nobody needs any more; the row of the job names them
        until it has succeeded. Raises as `begin_picture` does.
        """

    async def has_blob(self, blob_id: UUID) -> bool:
        """False once it is given up: no uuid is ever used again."""

    async def stored_blob(self, blob_id: UUID) -> BlobRef | None:
        """None unless its object is believed to be there."""

    async def mark_pictured(self, claim: Claim) -> StagedNames:
        """Those objects are gone: end the job; as `mark_published`."""

    async def fail(self, claim: Claim, error: JobFailed) -> StagedNames:
        """End the attempt badly: queue the job again or, at the end, fail it.

        A job that decides about its media fails that too. Returns as `mark_published`
        does; nothing if the claim is no longer ours: what such an attempt has stored is
        left to the deletion of its media, if that is deleted.
        """

    async def release(self, claim: Claim) -> None:
        """Give the job back at once, at no cost, because the worker stops.

        If the claim is no longer ours, as `fail`.
        """

    async def delete(
        self,
        media_id: UUID,
        caller: Caller,
        request_id: str,
        revisions: Collection[str] | None = None,
    ) -> None:
        """Take the media away from every reader and queue its `delete_media`.

        Raises `MediaNotFound`, `InvalidToken` and `RightMissing` (session, account
        and right are looked at again), and `RevisionMismatch` if it has none of these.
        """

    async def let_go(self, claim: Claim) -> Leftovers:
        """Make a tombstone of the media, and forget a blob that nobody else has.

        Returns what must be removed from the other stores. Raises `JobFailed` with
        `lease_lost`.
        """

    async def note_removed(self, claim: Claim, removed: Leftovers) -> None:
        """So much is done: another attempt need not do it again.

        Raises `JobFailed` with `lease_lost`.
        """

    async def mark_deleted(self, claim: Claim, removed: Leftovers) -> None:
        """All that was to be removed is noted as such, this by the attempt: end it.

        The job goes on if more has been left meanwhile. Raises `JobFailed` with
        `lease_lost`.
        """

    async def purge_tombstones(self, keep: timedelta, most: int) -> int:
        """Forget tombstones that are so old; returns how many."""

    async def retry(
        self, media_id: UUID, kind: JobKind, caller: Caller, request_id: str
    ) -> RetriedJob:
        """Open a new job in the place of one that failed for good.

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
        """Forget workers that were silent for so long; returns how many.

        The latest of all stays, for it says since when there is none.
        """
