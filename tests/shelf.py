"""Media rows without bytes behind them: enough for whoever lists or searches."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid4

from asgiref.sync import sync_to_async
from django.db import connection

from backend.domain.freshness import Scopes
from backend.orm.models import Blob, Media, User
from backend.use_cases.ports import Freshness

_FILL = """
    WITH name AS MATERIALIZED (
         SELECT gen_random_uuid() AS uuid FROM generate_series(1, %s)
    ), filled AS (
         INSERT INTO blob
                (uuid, sha256, size_bytes, media_type, object_key, staged_name, state)
         SELECT uuid, encode(sha256(uuid_send(uuid)), 'hex'), 1, 'video/mp4',
                'videos/' || uuid || '.mp4', uuid, 'staged'
           FROM name
    )
    INSERT INTO media
           (uuid, owner_id, title, description, file_name, video_id, status,
            failure_code, revision)
    SELECT uuid, %s, %s, '', 'clip.mp4', uuid, 'processing', '', 1 FROM name
"""


class Shelf:
    """Puts media of an owner where readers find them."""

    def __init__(self, owner_id: UUID, freshness: Freshness) -> None:
        self.owner_id = owner_id
        self._freshness = freshness

    @classmethod
    async def of(cls, email: str, freshness: Freshness) -> "Shelf":
        user = await User.objects.aget(email=email)
        return cls(user.uuid, freshness)

    async def put(self, *titles: str) -> list[UUID]:
        return await self.put_all({"title": title} for title in titles)

    async def put_all(self, media: Iterable[Mapping[str, Any]]) -> list[UUID]:
        put = await sync_to_async(self._put)(list(media))
        await self._freshness.changed(Scopes.MEDIA_LISTS)
        return put

    async def fill(self, title: str, count: int) -> None:
        """So many media of this title, and nothing else to tell them apart by."""
        await sync_to_async(self._fill)(title, count)
        await self._freshness.changed(Scopes.MEDIA_LISTS)

    def _fill(self, title: str, count: int) -> None:
        with connection.cursor() as cursor:
            # So many take longer than a request may, on a machine that is busy.
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(_FILL, [count, self.owner_id, title])
            # Whoever last counted the rows may have found none, and each would be joined
            # to each.
            cursor.execute("ANALYZE media, blob")
            cursor.execute("RESET statement_timeout")

    @staticmethod
    async def newest() -> UUID:
        return (await Media.objects.alatest("created_at")).uuid

    async def delete(self, media_id: UUID) -> None:
        await Media.objects.filter(uuid=media_id).adelete()
        await self._freshness.changed(Scopes.MEDIA_LISTS)

    def _put(self, media: list[Mapping[str, Any]]) -> list[UUID]:
        blobs = [self._blob(uuid4()) for _ in media]
        Blob.objects.bulk_create(blobs)
        rows = [
            Media(
                **{"owner_id": self.owner_id, "status": "processing", **fields},
                file_name="clip.mp4",
                video=blob,
                failure_code=(
                    "unreadable_media" if fields.get("status") == "failed" else ""
                ),
            )
            for blob, fields in zip(blobs, media, strict=True)
        ]
        Media.objects.bulk_create(rows)
        return [row.uuid for row in rows]

    @staticmethod
    def _blob(name: UUID) -> Blob:
        return Blob(
            uuid=name,
            sha256=hashlib.sha256(name.bytes).hexdigest(),
            size_bytes=1,
            media_type="video/mp4",
            object_key=f"videos/{name}.mp4",
            staged_name=name,
        )
