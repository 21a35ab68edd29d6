"""What PostgreSQL knows about the contents of other stores, and the repairs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from backend.domain.consistency import Ages, Outcome, Round
from backend.domain.media import BlobRef
from backend.domain.states import BlobState
from backend.use_cases.ports.inventories import HeldUpload


@dataclass(frozen=True, slots=True)
class KnownObject:
    """A blob according to its row."""

    blob: BlobRef
    state: BlobState
    stored_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A blob that may have a document; `needed` once a live media relies on it."""

    blob_id: UUID
    sha256: str
    needed: bool


@dataclass(frozen=True, slots=True)
class UnusedBlobs:
    """Matches among the next blobs; `until` is None if there are no more."""

    blob_ids: Sequence[UUID]
    compared: int
    until: UUID | None


class ConsistencyRows(Protocol):
    """Reads only. Every method raises `DatabaseAway`."""

    async def ages(self) -> Ages:
        """By the clock of the database, with the grace of this installation."""

    async def objects(self, after: str, most: int) -> Sequence[KnownObject]:
        """The next `most` after this key, in the order of their keys' bytes."""

    async def object(self, key: str) -> KnownObject | None: ...

    async def documents(self, after: UUID | None, most: int) -> Sequence[KnownDocument]:
        """Those of the next `most` blobs, in the order of uuids."""

    async def unused_blobs(self, after: UUID | None, most: int) -> UnusedBlobs:
        """Those that are older than the grace and that nothing refers to."""

    async def idle_media(self, most: int) -> Sequence[UUID]:
        """Not ready for longer than the grace, and without a job that would make them
        ready."""

    async def media_with(self, blob_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
        """By blob: one media that shows it, as its video or as its miniature."""

    async def owned_objects(self, keys: Collection[str]) -> Collection[str]:
        """Objects that a blob has, or that an open job is about to remove."""

    async def owned_documents(self, blob_ids: Collection[UUID]) -> Collection[UUID]:
        """The same for documents."""

    async def owned_files(self, names: Collection[UUID]) -> Collection[UUID]:
        """Staged files that may still be read, or are about to be removed."""

    async def owned_uploads(self, uploads: Sequence[HeldUpload]) -> Collection[str]:
        """The ids of uploads that an attempt is using or will resume."""


class ConsistencyRepairs(Protocol):
    """Each method is one transaction, which checks the finding again, and returns False
    if there is nothing to do. Changes visible to readers are made known. Every method
    raises `DatabaseAway`."""

    async def remove_staged(self, name: UUID) -> bool:
        """Remove a staged file that nobody needs. Raises `StagingAway`."""

    async def give_up_upload(self, upload: HeldUpload) -> bool:
        """No row owns the upload, and no attempt will resume it."""

    async def lose_object(self, seen: KnownObject) -> bool:
        """The object is missing: have it made again, or mark it as lost."""

    async def regain_object(self, seen: KnownObject) -> bool:
        """A lost object is back, with the bytes of its blob."""

    async def lose_document(self, blob_id: UUID, found_sha256: str) -> bool:
        """Have the document made again, unless it already has the right checksum."""

    async def forget_blob(self, blob_id: UUID) -> bool:
        """Remove the row of bytes that nothing refers to."""

    async def reopen(self, media_id: UUID) -> bool:
        """Open the jobs that an idle media lacks."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right of one worker to continue the round."""

    number: int
    round: Round


class Reconciliations(Protocol):
    """Whose turn it is, and what was found. Every method raises `DatabaseAway`."""

    async def claim(self) -> Turn | None:
        """The next turn, once it is due and for as long as a turn may take."""

    async def end(self, turn: Turn, *, whole: bool) -> None:
        """Save how far the round has got, or write its report if it is complete.

        Does nothing if another worker has taken the next turn meanwhile.
        """

    async def report(self, started_at: datetime, outcomes: Sequence[Outcome]) -> None:
        """Replaces the previous report."""
