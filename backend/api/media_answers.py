"""Ready answers about media, from the cache where they are fresh."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from backend.api.cursor import PageCursor
from backend.api.http.codec import JsonRenderer
from backend.api.schemas.media import MediaOut, MediaPageOut
from backend.domain.errors import Invalid
from backend.domain.freshness import Scopes
from backend.domain.states import OPEN_JOBS
from backend.orm.media_lists import (
    MediaFilter,
    MediaLists,
    MediaOrder,
    Ordering,
)
from backend.orm.media_repository import MediaRepository
from backend.orm.media_rows import MediaPage, MediaRow
from backend.orm.media_search import MatchStart, MediaSearch
from backend.use_cases.ports import AnswerCache, CdnAddresses

Start = TypeVar("Start", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """A media as JSON, and the revision that it has there."""

    revision: str
    body: bytes

    @classmethod
    def of(cls, media: MediaOut) -> "MediaAnswer":
        return cls(str(media.revision), JsonRenderer.rendered(media))

    @classmethod
    def kept(cls, content: bytes) -> "MediaAnswer":
        revision, _, body = content.partition(b"\n")
        return cls(revision.decode(), body)

    @property
    def to_keep(self) -> bytes:
        return self.revision.encode() + b"\n" + self.body


class _Moving(Exception):
    """Workers are changing the media: its answer is not kept."""

    def __init__(self, answer: MediaAnswer) -> None:
        self.answer = answer


class MediaAnswers:
    """Details of media; nobody is asked here whether he may see them.

    Kept are only those whose jobs have all ended: workers cannot wait until what they do
    is known, and nobody shall read in the job history what the media does not show yet.
    """

    def __init__(
        self, media: MediaRepository, addresses: CdnAddresses, cache: AnswerCache
    ) -> None:
        self._media = media
        self._addresses = addresses
        self._cache = cache

    async def shown(self, media_id: UUID) -> MediaAnswer:
        """Raises `MediaNotFound`, which is not kept."""
        key, scopes = f"media-detail:{media_id}", [Scopes.media(media_id)]
        try:
            content = await self._cache.answer(
                key, scopes, lambda: self._made(media_id)
            )
        except _Moving as moving:
            return moving.answer
        return MediaAnswer.kept(content)

    async def current(self, media_id: UUID) -> MediaAnswer:
        """From the database, for whoever has just changed it. Raises `MediaNotFound`."""
        return self._answer(await self._media.detail(media_id))

    async def _made(self, media_id: UUID) -> bytes:
        """Raises `MediaNotFound`, `_Moving`."""
        media = await self._media.detail(media_id)
        answer = self._answer(media)
        if set(OPEN_JOBS) & set(media.job_statuses.values()):
            raise _Moving(answer)
        return answer.to_keep

    def _answer(self, media: MediaRow) -> MediaAnswer:
        return MediaAnswer.of(MediaOut.of_detail(media, self._addresses))


class PageAnswers:
    """Pages of lists and searches.

    Only first pages are kept: what follows is read by few, and has no end of keys.
    """

    def __init__(
        self,
        lists: MediaLists,
        search: MediaSearch,
        addresses: CdnAddresses,
        cache: AnswerCache,
    ) -> None:
        self._lists = lists
        self._search = search
        self._addresses = addresses
        self._cache = cache

    async def listed(
        self, wanted: MediaFilter, order: MediaOrder, limit: int, cursor: str | None
    ) -> bytes:
        """Raises `Invalid` for a cursor of another list."""
        query = json.dumps(["list", order, *self._values(wanted)])
        cursors = PageCursor(Ordering(order).start_kind, query)
        start = cursors.decode(cursor) if cursor is not None else None

        async def make() -> bytes:
            page = await self._lists.page(wanted, order, limit, start)
            return self._rendered(page, cursors)

        return await self._answer(query, limit, cursor, make)

    async def found(self, text: str, limit: int, cursor: str | None) -> bytes:
        """Raises `Invalid` for a text without words, or a cursor of another search."""
        query = json.dumps(["search", *text.split()])
        cursors = PageCursor(MatchStart, query)
        start = cursors.decode(cursor) if cursor is not None else None

        async def make() -> bytes:
            page = await self._search.page(text, limit, start)
            if page is None:
                raise Invalid(problems={"title": "Must have a letter or a digit"})
            return self._rendered(page, cursors)

        return await self._answer(query, limit, cursor, make)

    async def _answer(
        self,
        query: str,
        limit: int,
        cursor: str | None,
        make: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        if cursor is not None:
            return await make()
        digest = sha256(f"{limit} {query}".encode()).hexdigest()
        return await self._cache.answer(
            f"media-page:{digest}", [Scopes.MEDIA_LISTS], make
        )

    def _rendered(self, page: MediaPage[Start], cursors: PageCursor[Start]) -> bytes:
        following = cursors.encode(page.after) if page.after else None
        return JsonRenderer.rendered(MediaPageOut.of(page, following, self._addresses))

    @staticmethod
    def _values(wanted: MediaFilter) -> Sequence[str | None]:
        values = (getattr(wanted, name) for name in MediaFilter.__slots__)
        return [None if value is None else str(value) for value in values]
