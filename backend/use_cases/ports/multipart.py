"""What is known of an upload in parts, so that another attempt can go on with it."""

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
    """An upload that may still be there; all its parts but the last have `part_bytes`."""

    upload_id: str
    part_bytes: int
    parts: tuple[SentPart, ...] = ()


class UploadJournal(Protocol):
    """What one attempt knows, and writes, of the upload of its blob.

    Every method raises `DatabaseAway`; `begin` and `sent` raise `JobFailed` with
    `lease_lost` when somebody else has the job, or has begun another upload.
    """

    async def begun(self) -> BegunUpload | None:
        """The upload of this blob that was begun last."""

    async def begin(self, upload_id: str, part_bytes: int) -> None:
        """Note a new upload in the place of any other."""

    async def sent(self, upload_id: str, part: SentPart) -> None:
        """Note that the part need not be sent again."""


class MultipartLedger(Protocol):
    """Uploads in parts, in PostgreSQL; they are forgotten once their blob is stored."""

    def journal(self, claim: Claim) -> UploadJournal: ...
