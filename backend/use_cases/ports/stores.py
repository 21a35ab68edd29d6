"""Where bytes, reports and addresses are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from uuid import UUID

from backend.domain.media import BlobRef, ObjectKey, StagedFile
from backend.domain.metadata import BlobMetadata
from backend.use_cases.ports.multipart import UploadJournal

# Called with the number of further bytes moved, from any thread.
ByteCounter = Callable[[int], None]


class IncomingFile(Protocol):
    """A file that is being received; locked, so that it does not count as unowned.

    The first of `keep` and `discard` ends it; further calls change nothing. Both
    complete even when their caller is cancelled, and never raise. Methods are awaited
    one after another; only `keep` and `discard` may be called while another is running.
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
        """Release the lock; the file stays."""

    async def discard(self) -> None:
        """Remove the file and release the lock."""


class Staging(Protocol):
    """Where received bytes wait, durable, until their blob is stored.

    Every async method raises `StagingAway` when the disk, or the store, fails.
    """

    async def receive(self) -> IncomingFile:
        """Begin a new file under a new name. Raises `StorageFull`."""

    async def check_room(self, size_bytes: int) -> None:
        """Raises `StorageFull` if this many more bytes would leave less than the floor,
        or exceed the size of a file."""

    def holds(self, name: UUID, size_bytes: int) -> bool:
        """Whether the file exists with this size, but not whether it is undamaged.

        Blocking: called inside a ledger transaction.

        Raises `StagingAway`: a folder that we may not read does not count as empty.
        """

    async def open(self, name: UUID) -> BinaryIO | None:
        """The bytes, to be closed by the caller; None if there is no such file."""

    async def remove(self, name: UUID) -> None:
        """Remove the file if it is there; `StagingAway` while somebody receives it."""


class StagedHolds(Protocol):
    """Tells all processes which names are being received, until the receiver dies; the
    counterpart of `flock` on a disk. Blocking; called from any thread."""

    def take(self, name: UUID) -> None:
        """Raises `StagingAway`."""

    def renew(self) -> None:
        """Take all again if they were lost. Never raises: losing one loses no bytes."""

    def let_go(self, name: UUID) -> None:
        """Harmless when it is not held. Never raises."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object according to the object store.

    `sha256` is a label set by the writer, if any, and no proof.
    """

    key: ObjectKey
    size_bytes: int
    sha256: str | None

    def holds(self, blob: BlobRef) -> bool:
        """The part of a blob that is needed once its object was proven."""
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
        """The same for any size; large files go in parts.

        A failed call leaves its parts to the next call with this journal, unless they
        are refused or damaged. Those parts count as moved at once. Raises what the
        journal raises too.
        """

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        """What is stored under the key, or None."""

    async def proves(self, blob: BlobRef) -> bool:
        """Whether exactly the bytes of the blob are stored under its key.

        They are read back if the store cannot compare them itself.
        """

    async def download(self, key: ObjectKey) -> BinaryIO | None:
        """The bytes in a temporary file, to be closed by the caller; None if gone.

        Raises `JobFailed` with `object_damaged` too, and `StorageFull`.
        """

    async def remove(self, key: ObjectKey) -> None:
        """Remove the object if it exists, and all unfinished uploads under its key;
        then have the CDN forget it. Raises what `CdnCache` raises."""

    async def prepare(self) -> None:
        """Make the bucket and set who may read it; harmless when done before."""


class CdnCache(Protocol):
    """The copies that a CDN in front of the store keeps."""

    def purge(self, key: ObjectKey) -> None:
        """Have it forget the object, which is gone from the store. Blocking.

        Raises `JobFailed` with `cdn_away`.
        """


class CdnAddresses(Protocol):
    """Makes the address of an object when it is shown."""

    def address(self, key: str) -> str: ...


class DownloadAddresses(Protocol):
    """Makes an address that is valid for a short time, without asking the store."""

    def download_address(self, key: str, file_name: str) -> str:
        """Clients that follow it save the object under the given name."""


class DocumentStore(Protocol):
    """Keeps the whole report of each blob. Raises `DocumentStoreAway`."""

    async def save(self, metadata: BlobMetadata) -> None:
        """Replace or insert; on the disks of the majority when it returns."""

    async def find(self, blob_id: UUID) -> BlobMetadata | None: ...

    async def remove(self, blob_id: UUID) -> None:
        """Remove the document if it is there."""

    async def prepare(self) -> None:
        """Make the indexes; harmless when done before."""
