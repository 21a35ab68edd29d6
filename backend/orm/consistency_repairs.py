"""The transactions that repair the findings of a comparison."""

from collections.abc import Callable, Collection
from typing import ParamSpec
from uuid import UUID

from backend.domain.freshness import Scopes
from backend.orm.blob_repairs import BlobRepairs
from backend.orm.database_threads import DatabaseThreads
from backend.orm.object_repairs import ObjectRepairs
from backend.orm.transactions import Transactions
from backend.orm.unowned_repairs import UnownedRepairs
from backend.use_cases.ports import Freshness, HeldUpload, KnownObject

P = ParamSpec("P")


class DjangoConsistencyRepairs:
    """The `ConsistencyRepairs` port."""

    def __init__(
        self,
        threads: DatabaseThreads,
        freshness: Freshness,
        objects: ObjectRepairs,
        blobs: BlobRepairs,
        unowned: UnownedRepairs,
    ) -> None:
        self._transactions = Transactions(threads)
        self._freshness = freshness
        self._objects = objects
        self._blobs = blobs
        self._unowned = unowned

    async def remove_staged(self, name: UUID) -> bool:
        return await self._transactions.run(self._unowned.remove_staged, name)

    async def give_up_upload(self, upload: HeldUpload) -> bool:
        return await self._transactions.run(self._unowned.give_up_upload, upload)

    async def lose_object(self, seen: KnownObject) -> bool:
        return await self._told(self._objects.lose, seen)

    async def regain_object(self, seen: KnownObject) -> bool:
        return await self._told(self._objects.regain, seen)

    async def lose_document(self, blob_id: UUID, found_sha256: str) -> bool:
        return await self._told(self._blobs.lose_document, blob_id, found_sha256)

    async def forget_blob(self, blob_id: UUID) -> bool:
        return await self._transactions.run(self._blobs.forget, blob_id)

    async def reopen(self, media_id: UUID) -> bool:
        return await self._told(self._blobs.reopen, media_id)

    async def _told(
        self,
        unit: Callable[P, Collection[UUID] | None],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> bool:
        """False if the unit found nothing to do; else it has changed the media."""
        changed = await self._transactions.run(unit, *args, **kwargs)
        if changed:
            await self._freshness.touched(*Scopes.shown(changed))
        return changed is not None
