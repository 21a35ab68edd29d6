from dataclasses import dataclass
from typing import ClassVar

from backend.domain.errors import Unavailable
from backend.domain.failures import JobFailed
from backend.domain.jobs import JobKind
from backend.domain.leftovers import Leftovers
from backend.use_cases.failpoints import Failpoints
from backend.use_cases.ports import (
    Claim,
    DocumentStore,
    MediaLedger,
    ObjectStorage,
    StagedNames,
    Staging,
)
from backend.use_cases.run_job import Progress

# Three small removals, each with a much shorter limit of its own.
LIMIT_SECONDS = 180.0
# Room in the job history for the reasons of all stores, and for what is left.
REASON_MOST_CHARACTERS = 200


class Removals:
    """What one attempt has removed, what is left, and why."""

    def __init__(
        self,
        ledger: MediaLedger,
        claim: Claim,
        leftovers: Leftovers,
        progress: Progress,
    ) -> None:
        self.leftovers = leftovers
        self._ledger = ledger
        self._claim = claim
        self._progress = progress
        self._removed = Leftovers()
        self._failures: list[JobFailed] = []
        progress.expect(len(leftovers))

    async def note(self, removed: Leftovers) -> None:
        """Raises what `MediaLedger.note_removed` raises."""
        await self._ledger.note_removed(self._claim, removed)
        self._removed += removed
        self._progress.moved(len(removed))

    def fail(self, error: Unavailable | JobFailed) -> None:
        """Records a refusal of one store; the others need not wait for it."""
        failure = error if isinstance(error, JobFailed) else JobFailed.of(error)
        self._failures.append(failure)

    async def end(self) -> None:
        """Raises `JobFailed` if something is left, and what `mark_deleted` raises."""
        if self._failures:
            raise JobFailed(self._failures[0].code, self._message())
        await self._ledger.mark_deleted(self._claim, self._removed)

    def _message(self) -> str:
        said = (str(failure)[:REASON_MOST_CHARACTERS] for failure in self._failures)
        # A store that refuses everything says so once.
        reasons = list(dict.fromkeys(said))
        left = self.leftovers - self._removed
        sentences = *reasons, f"Removed {self._removed}", f"Left: {left}"
        return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences)


@dataclass(frozen=True, slots=True)
class DeleteMedia:
    """Removes everything that only a deleted media had: first its rows, then what they
    named.

    Names to be removed are recorded in the row of the job before they are touched, and
    struck out when removed, so that another attempt continues where this one ends.
    """

    ledger: MediaLedger
    staging: Staging
    storage: ObjectStorage
    documents: DocumentStore

    kind: ClassVar[JobKind] = JobKind.DELETE_MEDIA

    def time_limit_seconds(self, claim: Claim) -> float:
        return LIMIT_SECONDS

    async def run(self, claim: Claim, progress: Progress) -> StagedNames:
        leftovers = await self.ledger.let_go(claim)
        Failpoints.reach("delete.let_go", claim.media_id)
        await self._remove(Removals(self.ledger, claim, leftovers, progress))
        return ()

    async def _remove(self, removals: Removals) -> None:
        for remove in (
            self._remove_objects,
            self._remove_documents,
            self._remove_staged_files,
        ):
            try:
                await remove(removals)
            except (Unavailable, JobFailed) as error:
                removals.fail(error)
        await removals.end()

    async def _remove_objects(self, removals: Removals) -> None:
        """A CDN that refuses to forget one of them keeps none in the store."""
        for key in removals.leftovers.objects:
            try:
                await self.storage.remove(key)
            except JobFailed as error:
                removals.fail(error)
                continue
            Failpoints.reach("delete.object_removed")
            await removals.note(Leftovers(objects=(key,)))

    async def _remove_documents(self, removals: Removals) -> None:
        for blob_id in removals.leftovers.documents:
            await self.documents.remove(blob_id)
            await removals.note(Leftovers(documents=(blob_id,)))

    async def _remove_staged_files(self, removals: Removals) -> None:
        for name in removals.leftovers.staged_files:
            await self.staging.remove(name)
            await removals.note(Leftovers(staged_files=(name,)))
