"""What PostgreSQL knows about the contents of other stores."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from backend.domain.consistency import Ages
from backend.domain.states import (
    LIVE_MEDIA,
    SHOWN_MEDIA,
    BlobState,
)
from backend.orm.blob_rows import BlobRows
from backend.orm.database_threads import DatabaseThreads
from backend.orm.intervals import FromNow
from backend.orm.models import Blob, Media, Miniature
from backend.orm.neglected_rows import NeglectedRows
from backend.orm.owned_names import OwnedNames
from backend.orm.transactions import Transactions
from backend.use_cases.ports import (
    HeldUpload,
    KnownDocument,
    KnownObject,
    UnusedBlobs,
)

_AGES = "SELECT statement_timestamp(), min(applied) FROM django_migrations"
# These compare bytes, whatever the collation of the database, by the index that Django
# makes for LIKE.
_OBJECTS = """
    SELECT * FROM blob WHERE object_key ~>~ %s ORDER BY object_key USING ~<~ LIMIT %s
"""
NO_UUID: Final = UUID(int=0)


class DjangoConsistencyRows:
    """The `ConsistencyRows` port."""

    def __init__(self, threads: DatabaseThreads, grace: timedelta) -> None:
        self._transactions = Transactions(threads)
        self._grace = grace
        self._neglected = NeglectedRows(grace)

    async def ages(self) -> Ages:
        return await self._transactions.run(self._ages)

    async def objects(self, after: str, most: int) -> Sequence[KnownObject]:
        return await self._transactions.run(self._objects, after, most)

    async def object(self, key: str) -> KnownObject | None:
        return await self._transactions.run(self._object, key)

    async def documents(self, after: UUID | None, most: int) -> Sequence[KnownDocument]:
        return await self._transactions.run(self._documents, after or NO_UUID, most)

    async def unused_blobs(self, after: UUID | None, most: int) -> UnusedBlobs:
        return await self._transactions.run(self._unused, after or NO_UUID, most)

    async def idle_media(self, most: int) -> Sequence[UUID]:
        return await self._transactions.run(self._idle, most)

    async def media_with(self, blob_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
        return await self._transactions.run(self._media_with, blob_ids)

    async def owned_objects(self, keys: Collection[str]) -> Collection[str]:
        return await self._transactions.run(OwnedNames.objects, keys)

    async def owned_documents(self, blob_ids: Collection[UUID]) -> Collection[UUID]:
        return await self._transactions.run(OwnedNames.documents, blob_ids)

    async def owned_files(self, names: Collection[UUID]) -> Collection[UUID]:
        return await self._transactions.run(OwnedNames.files, names)

    async def owned_uploads(self, uploads: Sequence[HeldUpload]) -> Collection[str]:
        return await self._transactions.run(OwnedNames.uploads, uploads)

    def _ages(self) -> Ages:
        with connection.cursor() as cursor:
            cursor.execute(_AGES)
            ((now, made_at),) = cursor.fetchall()
        return Ages(now, made_at, self._grace)

    @classmethod
    def _objects(cls, after: str, most: int) -> list[KnownObject]:
        return [cls._known(blob) for blob in Blob.objects.raw(_OBJECTS, [after, most])]

    @classmethod
    def _object(cls, key: str) -> KnownObject | None:
        blob = Blob.objects.filter(object_key=key).first()
        return None if blob is None else cls._known(blob)

    @staticmethod
    def _known(blob: Blob) -> KnownObject:
        return KnownObject(BlobRows.ref(blob), BlobState(blob.state), blob.stored_at)

    def _documents(self, after: UUID, most: int) -> list[KnownDocument]:
        described = Media.objects.filter(
            video=OuterRef("uuid"),
            status__in=LIVE_MEDIA,
            described_at__lt=FromNow(-self._grace),
        )
        blobs = Blob.objects.filter(uuid__gt=after).order_by("uuid")[:most]
        rows = blobs.values_list("uuid", "sha256", Exists(described))
        return [KnownDocument(*row) for row in rows]

    def _unused(self, after: UUID, most: int) -> UnusedBlobs:
        blobs = Blob.objects.filter(uuid__gt=after).order_by("uuid")
        blob_ids = list(blobs.values_list("uuid", flat=True)[:most])
        unused = self._neglected.unused_blobs().filter(uuid__in=blob_ids)
        return UnusedBlobs(
            list(unused.values_list("uuid", flat=True)),
            len(blob_ids),
            blob_ids[-1] if len(blob_ids) == most else None,
        )

    def _idle(self, most: int) -> list[UUID]:
        return list(self._neglected.idle_media().values_list("uuid", flat=True)[:most])

    @staticmethod
    def _media_with(blob_ids: Collection[UUID]) -> dict[UUID, UUID]:
        pictures = Miniature.objects.filter(blob__in=blob_ids, shown=True)
        shown = pictures.filter(media__status__in=SHOWN_MEDIA)
        videos = Media.objects.filter(video__in=blob_ids, status__in=SHOWN_MEDIA)
        return {
            **dict(shown.values_list("blob", "media")),
            **dict(videos.values_list("video", "uuid")),
        }
