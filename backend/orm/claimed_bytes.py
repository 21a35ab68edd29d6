"""Attempts overtaken by a new upload of the bytes they work on."""

from dataclasses import dataclass
from uuid import UUID

from backend.domain.failures import LOST_BYTES, FailureCode, JobFailed
from backend.domain.jobs import DECIDING_JOBS
from backend.orm.models import Blob
from backend.use_cases.ports import Claim


@dataclass(frozen=True, slots=True)
class ClaimedBytes:
    """Made with the blob locked: whether its bytes were received again since the claim.

    The attempt does not know that file, so its findings no longer count.
    """

    claim: Claim
    # Of the blob now; None without one.
    staged_name: UUID | None

    def check(self) -> None:
        """Raises `JobFailed` if they were; the attempt is then repeated."""
        if self._were_received_again():
            message = "The bytes were received again meanwhile."
            raise JobFailed(FailureCode.OBJECT_MISSING, message)

    def are_there_after(self, error: JobFailed) -> bool:
        """The attempt reports missing bytes, but they have arrived since."""
        return error.code in LOST_BYTES and self._were_received_again()

    def disown_after(self, error: JobFailed) -> None:
        """The attempt reports that the staged file is gone or damaged: nothing may rely
        on it any more.

        The file stays until it is replaced: it may be the only copy, and a retry may
        read it correctly.
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
