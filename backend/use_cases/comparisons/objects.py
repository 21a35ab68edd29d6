from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import structlog

from backend.domain.consistency import Ages, Finding, FindingKind, Page
from backend.domain.failures import FailureCode, JobFailed
from backend.domain.media import ObjectKey
from backend.domain.states import BlobState
from backend.use_cases.comparisons.base import MergedPage
from backend.use_cases.comparisons.returned import Asked, ReturnedObjects
from backend.use_cases.ports import (
    ConsistencyRepairs,
    ConsistencyRows,
    HeldObject,
    KnownObject,
    ObjectInventory,
    ObjectStorage,
)

log = structlog.get_logger(__name__)

Merged = MergedPage[HeldObject, KnownObject]


@dataclass(frozen=True, slots=True)
class ObjectsComparison:
    """The bucket and the rows of blobs. Only findings are requested by key."""

    rows: ConsistencyRows
    repairs: ConsistencyRepairs
    inventory: ObjectInventory
    storage: ObjectStorage
    returned: ReturnedObjects

    name: ClassVar[str] = "objects"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        held = await self.inventory.objects(after, most)
        known = await self.rows.objects(after, most)
        merged = Merged.of(
            {str(each.key): each for each in held},
            {str(each.blob.object_key): each for each in known},
            most,
        )
        asked = await self.returned.among(self._maybe_returned(merged))
        if asked.until is not None:
            merged = merged.ending_at(asked.until)
        findings = [
            *await self._unowned(merged, ages),
            *await self._of_blobs(
                FindingKind.OBJECT_MISSING, list(self._lost(merged, ages))
            ),
            *await self._returned(asked),
        ]
        return Page(findings, merged.compared, merged.until)

    async def repair(self, finding: Finding) -> bool:
        match finding.kind:
            case FindingKind.OBJECT_UNOWNED:
                return await self._remove(finding.key)
            case FindingKind.OBJECT_MISSING:
                return await self._lose(finding.key)
            case _:
                return await self._regain(finding.key)

    @staticmethod
    def _maybe_returned(merged: Merged) -> list[KnownObject]:
        return [
            known
            for key, known in sorted(merged.known.items())
            if key in merged.held and known.state == BlobState.MISSING
        ]

    async def _unowned(self, merged: Merged, ages: Ages) -> list[Finding]:
        """A deletion in progress names what it has not removed yet."""
        owned = await self.rows.owned_objects(merged.unowned.keys())
        return ages.unowned(
            (Finding(FindingKind.OBJECT_UNOWNED, key), held.stored_at)
            for key, held in merged.unowned.items()
            if key not in owned
        )

    @staticmethod
    def _lost(merged: Merged, ages: Ages) -> Iterator[KnownObject]:
        for key, known in merged.known.items():
            held = merged.held.get(key)
            is_there = held is not None and held.size_bytes == known.blob.size_bytes
            if (
                not is_there
                and known.stored_at is not None
                and known.state == BlobState.STORED
                and not ages.is_young(known.stored_at)
            ):
                yield known

    async def _returned(self, asked: Asked) -> list[Finding]:
        found = await self._of_blobs(FindingKind.OBJECT_RETURNED, asked.found)
        return [one.leaving(asked.refusals.get(one.key, "")) for one in found]

    async def _of_blobs(
        self, kind: FindingKind, blobs: Sequence[KnownObject]
    ) -> list[Finding]:
        media = await self.rows.media_with([known.blob.uuid for known in blobs])
        return [
            Finding(kind, str(known.blob.object_key), media.get(known.blob.uuid))
            for known in blobs
        ]

    async def _remove(self, key: str) -> bool:
        """Keys are never reused: an object without a row now will never get one."""
        if await self.rows.owned_objects([key]):
            return False
        try:
            await self.storage.remove(ObjectKey(key))
        except JobFailed as error:
            if error.code is not FailureCode.CDN_AWAY:
                raise
            # It is gone from the store, so the next comparison does not come upon it.
            log.warning("cdn.not_purged", key=key, reason=str(error))
        return True

    async def _lose(self, key: str) -> bool:
        """The row is read first: it must be unchanged when the object is given up."""
        known = await self.rows.object(key)
        if known is None or known.state != BlobState.STORED:
            return False
        found = await self.storage.stat(known.blob.object_key)
        if found is not None and found.size_bytes == known.blob.size_bytes:
            return False
        return await self.repairs.lose_object(known)

    async def _regain(self, key: str) -> bool:
        known = await self.rows.object(key)
        if known is None or not await self.returned.holds(known):
            return False
        return await self.repairs.regain_object(known)
