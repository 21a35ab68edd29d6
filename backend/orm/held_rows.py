"""The rows that the end of an attempt locks before it writes to its job."""

from dataclasses import dataclass
from typing import Self
from uuid import UUID

from backend.domain.states import SHOWN_MEDIA
from backend.orm.bells import Bells
from backend.orm.claimed_bytes import ClaimedBytes
from backend.orm.locked_rows import LockedRows
from backend.use_cases.ports import Claim


@dataclass(frozen=True, slots=True)
class HeldRows:
    """Blob and media of an attempt, locked in that order.

    The blob too: of two last jobs on it one must see that the other has ended. The
    media is not shown while it is being deleted; that deletion may continue when this
    attempt has ended.
    """

    staged_name: UUID | None
    is_shown: bool

    @classmethod
    def lock(cls, claim: Claim) -> Self:
        staged_name = LockedRows.blob(claim.video.uuid) if claim.video else None
        is_shown = LockedRows.media(claim.media_id, SHOWN_MEDIA)
        if not is_shown:
            Bells.ring_for_deletion(claim.media_id)
        return cls(staged_name, is_shown)

    def bytes_of(self, claim: Claim) -> ClaimedBytes:
        return ClaimedBytes(claim, self.staged_name)
