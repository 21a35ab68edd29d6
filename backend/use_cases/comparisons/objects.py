from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from backend.domain.consistency import Ages, Finding, FindingKind, Page
from backend.domain.media import ObjectKey
from backend.domain.states import BlobState
from backend.use_cases.comparisons.base import MergedPage
from backend.use_cases.ports import (
    ConsistencyRepairs,
    ConsistencyRows,
    HeldObject,
    KnownObject,
    ObjectInventory,
    ObjectStorage,
)

Merged = MergedPage[HeldObject, KnownObject]
# Of those that may have returned each is asked for by its key: with a store at some
# distance these take a second or two of a turn.
MOST_ASKED_FOR = 50


@dataclass(frozen=True, slots=True)
class ObjectsComparison:
    """The bucket and the rows of blobs. Only what is found is asked for by its key."""

    rows: ConsistencyRows
    repairs: ConsistencyRepairs
    inventory: ObjectInventory
    storage: ObjectStorage
    most_asked_for: int = MOST_ASKED_FOR

    name: ClassVar[str] = "objects"

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        held = await self.inventory.objects(after, most)
        known = await self.rows.objects(after, most)
        merged = self._short(
            Merged.of(
                {str(each.key): each for each in held},
                {str(each.blob.object_key): each for each in known},
                most,
            )
        )
        findings = [
            *await self._unowned(merged, ages),
            *await self._of_blobs(
                FindingKind.OBJECT_MISSING, list(self._lost(merged, ages))
            ),
            *await self._of_blobs(
                FindingKind.OBJECT_RETURNED, await self._returned(merged)
            ),
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

    def _short(self, merged: Merged) -> Merged:
        """The page ends early where it would take too many requests."""
        asked_for = sorted(self._maybe_returned(merged))
        if len(asked_for) <= self.most_asked_for:
            return merged
        return merged.ending_at(asked_for[self.most_asked_for - 1])

    @staticmethod
    def _maybe_returned(merged: Merged) -> Mapping[str, KnownObject]:
        return {
            key: known
            for key, known in merged.known.items()
            if key in merged.held and known.state == BlobState.MISSING
        }

    async def _unowned(self, merged: Merged, ages: Ages) -> list[Finding]:
        """A deletion that is under way names what it has not removed yet."""
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

    async def _returned(self, merged: Merged) -> list[KnownObject]:
        """Those whose checksum the store knows: any other object would not do."""
        return [
            known
            for known in self._maybe_returned(merged).values()
            if await self._has_bytes(known)
        ]

    async def _of_blobs(
        self, kind: FindingKind, blobs: Sequence[KnownObject]
    ) -> list[Finding]:
        media = await self.rows.media_with([known.blob.uuid for known in blobs])
        return [
            Finding(kind, str(known.blob.object_key), media.get(known.blob.uuid))
            for known in blobs
        ]

    async def _remove(self, key: str) -> bool:
        """Keys are never used again: what has no row now will not get one."""
        if await self.rows.owned_objects([key]):
            return False
        await self.storage.remove(ObjectKey(key))
        return True

    async def _lose(self, key: str) -> bool:
        """The row is read first: it must be the same when the object is given up."""
        known = await self.rows.object(key)
        if known is None or known.state != BlobState.STORED:
            return False
        found = await self.storage.stat(known.blob.object_key)
        if found is not None and found.size_bytes == known.blob.size_bytes:
            return False
        return await self.repairs.lose_object(known)

    async def _regain(self, key: str) -> bool:
        known = await self.rows.object(key)
        if known is None or not await self._has_bytes(known):
            return False
        return await self.repairs.regain_object(known)

    async def _has_bytes(self, known: KnownObject) -> bool:
        found = await self.storage.stat(known.blob.object_key)
        return found is not None and found.holds(known.blob)
