"""Attempts that were overtaken by an upload of the bytes they work on."""

from dataclasses import dataclass

from backend.domain.failures import LOST_BYTES, FailureCode, JobFailed
from backend.orm.models import Blob
from backend.use_cases.ports import Claim


@dataclass(frozen=True, slots=True)
class ClaimedBytes:
    """Asked with the blob locked: whether its bytes were received again since the claim.

    The attempt knows nothing of that file: what it found, or missed, counts no longer.
    """

    claim: Claim

    def check(self) -> None:
        """Raises `JobFailed` if they were; its attempt is made again."""
        if self._were_received_again():
            message = "The bytes were received again meanwhile."
            raise JobFailed(FailureCode.OBJECT_MISSING, message)

    def are_there_after(self, error: JobFailed) -> bool:
        """It says that they are missing, and they have come since."""
        return error.code in LOST_BYTES and self._were_received_again()

    def _were_received_again(self) -> bool:
        if self.claim.video is None:
            return False
        blob = Blob.objects.filter(uuid=self.claim.video.uuid)
        return blob.exclude(staged_name=self.claim.video.staged_name).exists()
