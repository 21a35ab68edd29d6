"""Answers about media, from the cache if they are fresh."""

import json
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from backend.api.cursor import PageCursor
from backend.api.http.codec import JsonRenderer
from backend.api.http.entity_tags import EntityTags
from backend.api.http.ready_answers import ReadyAnswer
from backend.api.list_totals import ListTotals
from backend.api.media_shapes import MediaShapes
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
from backend.use_cases.ports import AnswerCache

Start = TypeVar("Start", bound=tuple[Any, ...])


class _Moving(Exception):
    """Workers are changing the media: its answer is not kept."""

    def __init__(self, answer: ReadyAnswer) -> None:
        self.answer = answer


class MediaAnswers:
    """Details of media; rights are not checked here.

    Only media whose jobs have all ended are cached: workers cannot wait until their
    changes are known, and the job history must not run ahead of the media shown.
    `tagged`: they have an ETag, which is the revision.
    """

    # Clients may keep the answer, but must revalidate it each time.
    _CACHE_CONTROL = (b"cache-control", b"private, no-cache")

    def __init__(
        self,
        media: MediaRepository,
        shapes: MediaShapes,
        cache: AnswerCache,
        *,
        tagged: bool,
    ) -> None:
        self._media = media
        self._shapes = shapes
        self._cache = cache
        self._tagged = tagged

    async def shown(self, media_id: UUID) -> ReadyAnswer:
        """Raises `MediaNotFound`, which is not kept."""
        key, scopes = f"answer:detail:{media_id}", [Scopes.media(media_id)]
        try:
            content = await self._cache.whole_answer(
                key, scopes, lambda: self._made(media_id)
            )
        except _Moving as moving:
            return moving.answer
        return ReadyAnswer.kept(content)

    async def current(self, media_id: UUID) -> ReadyAnswer:
        """From the database, for the caller who has just changed it.

        Raises `MediaNotFound`.
        """
        return self._answer(await self._media.detail(media_id))

    async def _made(self, media_id: UUID) -> bytes:
        """Raises `MediaNotFound`, `_Moving`."""
        media = await self._media.detail(media_id)
        answer = self._answer(media)
        if set(OPEN_JOBS) & set(media.job_statuses.values()):
            raise _Moving(answer)
        return answer.to_keep

    def _answer(self, media: MediaRow) -> ReadyAnswer:
        body = JsonRenderer.rendered(self._shapes.whole(media))
        if not self._tagged:
            return ReadyAnswer.of(body, self._CACHE_CONTROL)
        tag = (b"etag", EntityTags.quoted(media.revision).encode())
        return ReadyAnswer.of(body, self._CACHE_CONTROL, tag)


class PageAnswers:
    """Pages of lists and searches.

    Only first pages are cached: later ones are read by few, and have unlimited keys.
    """

    def __init__(
        self,
        lists: MediaLists,
        search: MediaSearch,
        shapes: MediaShapes,
        cache: AnswerCache,
    ) -> None:
        self._lists = lists
        self._totals = ListTotals(lists, cache)
        self._search = search
        self._shapes = shapes
        self._cache = cache

    async def listed(
        self, wanted: MediaFilter, order: MediaOrder, limit: int, cursor: str | None
    ) -> ReadyAnswer:
        """Raises `Invalid` for a cursor of another list."""
        query = json.dumps(["list", order, *self._values(wanted)])
        cursors = PageCursor(Ordering(order).start_kind, query)
        start = cursors.decode(cursor) if cursor is not None else None

        async def make() -> ReadyAnswer:
            capped = await self._totals.is_capped(wanted)
            page = await self._lists.page(wanted, order, limit, start, is_capped=capped)
            return self._rendered(page, cursors)

        share = ListTotals.LISTS_SHARE
        return await self._answer(query, limit, cursor, make, share)

    async def found(self, text: str, limit: int, cursor: str | None) -> ReadyAnswer:
        """Raises `Invalid` for a text without words, or a cursor of another search."""
        # Not "search": older cursors hold the length of unfolded titles.
        query = json.dumps(["found", *text.split()])
        cursors = PageCursor(MatchStart, query)
        start = cursors.decode(cursor) if cursor is not None else None

        async def make() -> ReadyAnswer:
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
        make: Callable[[], Awaitable[ReadyAnswer]],
        share: float = 1.0,
    ) -> ReadyAnswer:
        if cursor is not None:
            return await make()

        async def to_keep() -> bytes:
            return (await make()).to_keep

        digest = sha256(f"{limit} {query}".encode()).hexdigest()
        key = f"answer:page:{digest}"
        return ReadyAnswer.kept(
            await self._cache.whole_answer(key, [Scopes.MEDIA_LISTS], to_keep, share)
        )

    def _rendered(
        self, page: MediaPage[Start], cursors: PageCursor[Start]
    ) -> ReadyAnswer:
        following = cursors.encode(page.after) if page.after else None
        return ReadyAnswer.of(JsonRenderer.rendered(self._shapes.page(page, following)))

    @staticmethod
    def _values(wanted: MediaFilter) -> Sequence[str | None]:
        values = (getattr(wanted, name) for name in MediaFilter.__slots__)
        return [None if value is None else str(value) for value in values]
