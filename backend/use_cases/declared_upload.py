"""Answers an upload before its bytes arrive, if its owner has them already."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from uuid import UUID

from backend.domain.media import BlobRef
from backend.domain.sightings import Sight
from backend.use_cases.object_check import ObjectCheck
from backend.use_cases.ports import IngestLeases, MediaLedger


@dataclass(frozen=True, slots=True)
class DeclaredUpload:
    """One upload of an owner, which may declare its sha256.

    Inside its block another upload of the same owner that declares the same sha256
    waits for it. Only the owner's own media are considered, so nobody learns what
    others have.
    """

    owner_id: UUID
    ledger: MediaLedger
    leases: IngestLeases
    check: ObjectCheck
    _held: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._held.aclose()

    async def media_of(self, sha256: str) -> UUID | None:
        """The owner's live media of these bytes; may wait for other uploads.

        None if its bytes are not certain to exist: the coming ones may heal it. Raises
        `DatabaseAway`.
        """
        owned = await self.ledger.find(self.owner_id, sha256)
        if owned is None:
            await self._held.enter_async_context(
                self.leases.declared(self.owner_id, sha256)
            )
            owned = await self.ledger.find(self.owner_id, sha256)
        if owned is None or not await self._is_there(owned.blob):
            return None
        return owned.media_id

    async def _is_there(self, blob: BlobRef) -> bool:
        """An unstored blob was found in staging."""
        if not blob.stored:
            return True
        return (await self.check.look(blob)).sight is Sight.THERE


@dataclass(frozen=True, slots=True)
class DeclaredUploads:
    """Begins uploads that may declare their sha256."""

    ledger: MediaLedger
    leases: IngestLeases
    check: ObjectCheck

    def of_owner(self, owner_id: UUID) -> DeclaredUpload:
        return DeclaredUpload(owner_id, self.ledger, self.leases, self.check)
