"""The contents of each store, to be compared with PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from backend.domain.media import ObjectKey


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object in the bucket; `stored_at` is the store's own time."""

    key: ObjectKey
    size_bytes: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class HeldUpload:
    """A multipart upload that has not been ended; `begun_at` by the store's own time."""

    key: ObjectKey
    upload_id: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A metadata document without its report."""

    blob_id: UUID
    sha256: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A staged file; `changed_at` is when it was last written to.

    The size is 0 if the store does not give it while the file is still received.
    """

    name: UUID
    changed_at: datetime
    size_bytes: int = 0


class ObjectInventory(Protocol):
    """The objects of the bucket whose keys are ours; others are ignored.

    Every method raises `ObjectStoreAway`, and `JobFailed` with `object_store_denied`.
    """

    async def objects(self, after: str, most: int) -> Sequence[HeldObject]:
        """The next `most` after this key, in the order of their keys' bytes.

        Fewer than `most` means that there are no more.
        """

    async def unfinished(self) -> Sequence[HeldUpload]:
        """All of them."""

    async def abort(self, upload: HeldUpload) -> None:
        """Abort it and free its parts; harmless if done already."""


class DocumentInventory(Protocol):
    """The metadata documents. Raises `DocumentStoreAway`."""

    async def documents(self, after: UUID | None, most: int) -> Sequence[HeldDocument]:
        """The next `most` after this blob, in the order of uuids.

        Fewer than `most` means that there are no more.
        """


class StagedInventory(Protocol):
    """The staging folder."""

    async def files(self) -> Sequence[HeldFile]:
        """All that have a name of ours. Raises `StagingAway`."""

    def remove_unheld(self, name: UUID) -> bool:
        """Remove the file unless somebody receives it; False if it stays.

        Blocking: called inside a ledger transaction that holds its advisory lock.
        Raises `StagingAway`.
        """
