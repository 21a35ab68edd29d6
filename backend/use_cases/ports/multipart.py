"""What is known about an upload in parts, so that another attempt can resume it."""

from dataclasses import dataclass
from typing import Protocol

from backend.use_cases.ports.media_ledger import Claim


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the object store has taken, with the hash of what was sent.

    `confirmed`: the store said that it has received bytes with this hash.
    """

    number: int
    etag: str
    sha256: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An upload that may still exist; all its parts but the last have `part_bytes`."""

    upload_id: str
    part_bytes: int
    parts: tuple[SentPart, ...] = ()


class UploadJournal(Protocol):
    """What one attempt knows and records about the upload of its blob.

    Every method raises `DatabaseAway`; `begin` and `sent` raise `JobFailed` with
    `lease_lost` if another worker has the job, or has begun another upload.
    """

    async def begun(self) -> BegunUpload | None:
        """The upload of this blob that was begun last."""

    async def begin(self, upload_id: str, part_bytes: int) -> None:
        """Record a new upload, replacing any other."""

    async def sent(self, upload_id: str, part: SentPart) -> None:
        """Record that the part need not be sent again."""


class MultipartLedger(Protocol):
    """Uploads in parts, in PostgreSQL; they are forgotten once their blob is stored."""

    def journal(self, claim: Claim) -> UploadJournal: ...
