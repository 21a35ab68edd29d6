"""What use cases need from the outside world, in the words of the domain.

Every method raises the errors it names; anything else is a defect.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol
from uuid import UUID

from backend.domain.accounts import (
    AccessClaims,
    Credentials,
    Profile,
    RefreshToken,
)
from backend.domain.failures import JobFailed
from backend.domain.jobs import JobKind
from backend.domain.media import (
    BlobRef,
    Caller,
    Ingested,
    NewMedia,
    ObjectKey,
    StagedFile,
)
from backend.domain.metadata import BlobMetadata, MetadataReport
from backend.domain.technical import TechnicalSummary

# Told how many bytes more have been moved; called from any thread.
ByteCounter = Callable[[int], None]


class IncomingFile(Protocol):
    """A file that is being received; its holder has it locked against the sweep.

    The first of `keep` and `discard` ends it; further calls change nothing. Both also
    go through when their caller is cancelled, and never raise. Methods are awaited one
    after another; only `keep` and `discard` may come while another is under way.
    """

    @property
    def name(self) -> UUID: ...

    async def write(self, batch: bytes | bytearray | memoryview) -> None:
        """Append and hash the bytes on a thread; they must not change meanwhile.

        Raises `StorageFull`, `StagingAway`.
        """

    async def seal(self) -> StagedFile:
        """Make the bytes and the folder entry durable; nothing is written after it.

        Raises `StorageFull`, `StagingAway`.
        """

    async def keep(self) -> None:
        """Let go of the lock; the file stays."""

    async def discard(self) -> None:
        """Remove the file and let go of the lock."""


class Staging(Protocol):
    """Where received bytes wait, on disk, until their blob is stored.

    Every async method raises `StagingAway` when the disk does not do its work.
    """

    async def receive(self) -> IncomingFile:
        """Begin a new file under a new name. Raises `StorageFull`."""

    async def check_room(self, size_bytes: int) -> None:
        """Raises `StorageFull` if so many more bytes would go below the floor."""

    def holds(self, name: UUID) -> bool:
        """Whether the file is there. Blocking: called inside a ledger transaction."""

    async def open(self, name: UUID) -> BinaryIO | None:
        """The bytes, to be closed by the caller; None if there is no such file."""

    async def remove(self, name: UUID) -> None:
        """Remove the file if it is there and nobody is receiving it."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What the object store says it has; `sha256` if it knows."""

    key: ObjectKey
    size_bytes: int
    sha256: str | None


class ObjectStorage(Protocol):
    """The CDN origin.

    Every method raises `ObjectStoreAway`, and `JobFailed` with `object_store_denied`.
    A cancelled call leaves nothing running and no half-made object.
    """

    async def put(self, blob: BlobRef, source: BinaryIO, moved: ByteCounter) -> None:
        """Store the bytes under the blob's key and verify size and checksum.

        The source is an open file; its position is neither used nor moved. Raises
        `JobFailed` with `object_damaged` when it does not have the blob's bytes, or
        other bytes arrived.
        """

    async def stat(self, key: ObjectKey) -> StoredObject | None:
        """What is stored under the key, or None."""

    async def download(self, key: ObjectKey) -> BinaryIO | None:
        """The bytes in a temporary file, to be closed by the caller; None if gone.

        Raises `JobFailed` with `object_damaged` too, and `StorageFull`.
        """

    async def remove(self, key: ObjectKey) -> None:
        """Remove the object if it is there."""

    async def prepare(self) -> None:
        """Make the bucket and set who may read it; harmless when done before."""


class CdnAddresses(Protocol):
    """Makes the address of an object when it is shown."""

    def address(self, key: str) -> str: ...


class MetadataExtractor(Protocol):
    async def extract(self, source: BinaryIO) -> MetadataReport:
        """Read the report of an open file in a child process.

        The position of the source is neither used nor moved. Raises `JobFailed` with `unreadable_media` or an `extractor_…` code.
        """


class DocumentStore(Protocol):
    """Keeps the whole report of each blob. Raises `DocumentStoreAway`."""

    async def save(self, metadata: BlobMetadata) -> None:
        """Replace or insert; on disk of the majority when it returns."""

    async def find(self, blob_id: UUID) -> BlobMetadata | None: ...

    async def remove(self, blob_id: UUID) -> None:
        """Remove the document if it is there."""

    async def prepare(self) -> None:
        """Make the indexes; harmless when done before."""


class Doorbell(Protocol):
    """Tells workers that there is work. Never raises: the sweeper rings again."""

    async def ring(
        self, media_id: UUID, kinds: Iterable[JobKind], request_id: str
    ) -> None: ...

    async def waiting(self, kind: JobKind) -> int | None:
        """How many messages wait in the queue of this kind; None if Redis is away."""


class Clock(Protocol):
    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job until the lease ends; every write carries the fence."""

    job_id: UUID
    media_id: UUID
    kind: JobKind
    attempt: int
    fence: int
    blob: BlobRef
    request_id: str


@dataclass(frozen=True, slots=True)
class DueJob:
    """A queued job whose time has come and that nobody was told of lately."""

    media_id: UUID
    kind: JobKind
    request_id: str


class MediaLedger(Protocol):
    """Media, blobs and jobs in PostgreSQL, the truth: one method is one transaction.

    Every method raises `DatabaseAway`, and its kind `DatabaseSilent` when the work was
    begun and nobody knows how it ended.
    """

    async def ingest(self, new: NewMedia) -> Ingested:
        """Write blob, media and jobs, or find the owner's live media of these bytes.

        Raises `CommitUnknown`, `Unauthenticated` and `RightMissing` (session, account
        and right are looked at again), `StagedFileGone` if there is no such file.
        """

    async def claim(self, media_id: UUID, kind: JobKind, worker: str) -> Claim | None:
        """Take the open job of this kind, or None if somebody else has it."""

    async def renew(self, claim: Claim, progress: int) -> bool:
        """Prolong the lease; False if the claim is no longer ours."""

    async def mark_published(self, claim: Claim) -> UUID | None:
        """The object is there: write the Url and end the job.

        Returns the name of the blob's staged file if nobody needs it any more.
        """

    async def mark_described(
        self, claim: Claim, summary: TechnicalSummary
    ) -> UUID | None:
        """The document is there: write the summary and end the job; as above."""

    async def fail(self, claim: Claim, error: JobFailed) -> UUID | None:
        """End the attempt badly: queue the job again or, at the end, fail the media.

        Returns as `mark_published` does.
        """

    async def release(self, claim: Claim) -> None:
        """Give the job back at once, at no cost, because the worker stops."""

    async def reclaim_lost(self) -> int:
        """Queue jobs whose lease has ended; returns how many."""

    async def due(self, kind: JobKind, most: int) -> list[DueJob]:
        """Queued jobs to ring for, marked as rung."""

    async def beat(self, worker: str) -> None:
        """Note that the worker is alive."""


class AccountLedger(Protocol):
    """Users and sessions in PostgreSQL. Every method raises `DatabaseAway`."""

    async def create_user(self, email: str, password_hash: str, role: str) -> Profile:
        """Raises `EmailTaken`."""

    async def ensure_user(self, email: str, password_hash: str, role: str) -> Profile:
        """Make the account, or give the one that is there this hash and role.

        It is active then; another hash than before ends all its sessions.
        """

    async def profile(self, user_id: UUID) -> Profile | None: ...

    async def credentials(self, email: str) -> Credentials | None: ...

    async def open_session(self, credentials: Credentials, token: RefreshToken) -> None:
        """Raises `BadCredentials` if the account changed since they were read."""

    async def rotate(self, presented: RefreshToken, successor: RefreshToken) -> UUID:
        """Swap the refresh token of a live session; returns the user.

        Raises `InvalidToken`; a token that was used before also revokes the session.
        """

    async def revoke(self, user_id: UUID, session_ids: Collection[UUID]) -> None:
        """End the user's sessions, access tokens included; harmless when ended before.

        Raises `InvalidToken`, and ends none, if one is not the user's.
        """

    async def caller(self, claims: AccessClaims) -> Caller | None:
        """The caller with role and rights as they are now, or None if signed out."""


class PasswordHasher(Protocol):
    """Hashes on bounded threads. Raises `Overloaded` when too many wait."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Does the same work when there is no hash to compare with."""

    def weakness(self, password: str, email: str) -> str | None:
        """Why the password is too weak, or None."""


class TokenIssuer(Protocol):
    """Signs and reads JWTs. Reading raises `InvalidToken`."""

    def access(self, user_id: UUID, session_id: UUID) -> str: ...

    def refresh(self, session_id: UUID) -> RefreshToken: ...

    def read_access(self, text: str) -> AccessClaims: ...

    def read_refresh(self, text: str) -> RefreshToken: ...

    @property
    def access_lifetime_seconds(self) -> int: ...
