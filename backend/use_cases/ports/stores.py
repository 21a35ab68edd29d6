"""Where bytes, reports and addresses are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from uuid import UUID

from backend.domain.media import BlobRef, ObjectKey, StagedFile
from backend.domain.metadata import BlobMetadata
from backend.use_cases.ports.multipart import UploadJournal

# Told how many bytes more have been moved; called from any thread.
ByteCounter = Callable[[int], None]


class IncomingFile(Protocol):
    """A file that is being received; locked, so that nobody takes it for unowned.

    The first of `keep` and `discard` ends it; further calls change nothing. Both also
    go through when their caller is cancelled, and never raise. Methods are awaited one
    after another; only `keep` and `discard` may come while another is under way.
    """

    @property
    def name(self) -> UUID: ...

    async def write(self, batch: bytes | bytearray | memoryview) -> None:
        """Append and hash the bytes on a thread; they must not change meanwhile.

        Calls that overlap are done in the order they were made. Raises `StorageFull`,
        `StagingAway`.
        """

    def received(self) -> StagedFile:
        """What has been written: hashed, but not sealed."""

    async def seal(self) -> StagedFile:
        """Make the bytes and the folder entry durable; nothing is written after it.

        Raises `StorageFull`, `StagingAway`.
        """

    async def keep(self) -> None:
        """Let go of the lock; the file stays."""

    async def discard(self) -> None:
        """Remove the file and let go of the lock."""


class Staging(Protocol):
    """Where received bytes wait, durable, until their blob is stored.

    Every async method raises `StagingAway` when the disk, or the store, does not do its
    work.
    """

    async def receive(self) -> IncomingFile:
        """Begin a new file under a new name. Raises `StorageFull`."""

    async def check_room(self, size_bytes: int) -> None:
        """Raises `StorageFull` if so many more bytes would go below the floor, or are
        more than one file can have."""

    def holds(self, name: UUID, size_bytes: int) -> bool:
        """Whether the file is there, and of this size: not whether it is undamaged.

        Blocking: called inside a ledger transaction.

        Raises `StagingAway`: a folder that we may not look into is no empty one.
        """

    async def open(self, name: UUID) -> BinaryIO | None:
        """The bytes, to be closed by the caller; None if there is no such file."""

    async def remove(self, name: UUID) -> None:
        """Remove the file if it is there; `StagingAway` while somebody receives it."""


class StagedHolds(Protocol):
    """Tells all processes which names are being received, until their receiver dies.

    What `flock` is on a disk. Blocking; called from any thread.
    """

    def take(self, name: UUID) -> None:
        """Raises `StagingAway`."""

    def renew(self) -> None:
        """Take all again if they were lost. Never raises: losing one loses no bytes."""

    def let_go(self, name: UUID) -> None:
        """Harmless when it is not held. Never raises."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the object store says it has.

    `sha256` is what whoever put it has called it, if he did: a label, and no proof.
    """

    key: ObjectKey
    size_bytes: int
    sha256: str | None

    def holds(self, blob: BlobRef) -> bool:
        """Enough of a blob whose object was proven once."""
        return self.size_bytes == blob.size_bytes and self.sha256 == blob.sha256


class ObjectProbe(Protocol):
    """Asks the CDN origin about an object, quickly enough for a request to wait."""

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        """What is stored under the key, or None.

        Raises `ObjectStoreAway`, and `JobFailed` with `object_store_denied`.
        """


class ObjectStorage(Protocol):
    """The CDN origin.

    Every method raises `ObjectStoreAway`, and `JobFailed` with `object_store_denied`.
    A cancelled call leaves nothing running and no half-made object.
    """

    async def put(self, blob: BlobRef, source: BinaryIO, moved: ByteCounter) -> None:
        """Store what is small under the blob's key and verify size and checksum.

        The source is an open file; its position is neither used nor moved. Raises
        `JobFailed` with `staged_file_missing` when it does not have the blob's bytes,
        and with `object_damaged` when other bytes arrived.
        """

    async def put_resumably(
        self,
        blob: BlobRef,
        source: BinaryIO,
        moved: ByteCounter,
        journal: UploadJournal,
    ) -> None:
        """The same of any size; what is large goes in parts.

        A call that does not succeed leaves its parts to the next one with this journal,
        unless they are refused or damaged. They count as moved at once. Raises what the
        journal raises too.
        """

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        """What is stored under the key, or None."""

    async def proves(self, blob: BlobRef) -> bool:
        """Whether exactly the bytes of the blob are stored under its key.

        They are read back where the store cannot tell by itself.
        """

    async def download(self, key: ObjectKey) -> BinaryIO | None:
        """The bytes in a temporary file, to be closed by the caller; None if gone.

        Raises `JobFailed` with `object_damaged` too, and `StorageFull`.
        """

    async def remove(self, key: ObjectKey) -> None:
        """Remove the object if it is there, and whatever was begun under its key."""

    async def prepare(self) -> None:
        """Make the bucket and set who may read it; harmless when done before."""


class CdnAddresses(Protocol):
    """Makes the address of an object when it is shown."""

    def address(self, key: str) -> str: ...


class DownloadAddresses(Protocol):
    """Makes an address that is good for a short while, without asking the store."""

    def download_address(self, key: str, file_name: str) -> str:
        """Whoever follows it saves the object under the given name."""


class DocumentStore(Protocol):
    """Keeps the whole report of each blob. Raises `DocumentStoreAway`."""

    async def save(self, metadata: BlobMetadata) -> None:
        """Replace or insert; on disk of the majority when it returns."""

    async def find(self, blob_id: UUID) -> BlobMetadata | None: ...

    async def remove(self, blob_id: UUID) -> None:
        """Remove the document if it is there."""

    async def prepare(self) -> None:
        """Make the indexes; harmless when done before."""
