"""Attempts that were overtaken by an upload of the bytes they work on."""

from dataclasses import dataclass
from uuid import UUID

from backend.domain.failures import LOST_BYTES, FailureCode, JobFailed
from backend.domain.jobs import DECIDING_JOBS
from backend.orm.models import Blob
from backend.use_cases.ports import Claim


@dataclass(frozen=True, slots=True)
class ClaimedBytes:
    """Made with the blob locked: whether its bytes were received again since the claim.

    The attempt knows nothing of that file: what it found, or missed, counts no longer.
    """

    claim: Claim
    # Of the blob now; None without one.
    staged_name: UUID | None

    def check(self) -> None:
        """Raises `JobFailed` if they were; its attempt is made again."""
        if self._were_received_again():
            message = "The bytes were received again meanwhile."
            raise JobFailed(FailureCode.OBJECT_MISSING, message)

    def are_there_after(self, error: JobFailed) -> bool:
        """It says that they are missing, and they have come since."""
        return error.code in LOST_BYTES and self._were_received_again()

    def disown_after(self, error: JobFailed) -> None:
        """It says that the staged file is gone, or damaged: nobody relies on it any more.

        The file stays until it is replaced: it may be all that there is, and read well
        by a retry.
        """
        video = self.claim.video
        if video is None or self.claim.kind not in DECIDING_JOBS:
            return
        if error.code == FailureCode.STAGED_FILE_MISSING:
            file = Blob.objects.filter(uuid=video.uuid, staged_name=video.staged_name)
            file.update(let_go=True)

    def _were_received_again(self) -> bool:
        if self.claim.video is None or self.staged_name is None:
            return False
        return self.staged_name != self.claim.video.staged_name
