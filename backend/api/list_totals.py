"""Totals of lists that are known without counting."""

from datetime import datetime

from backend.domain.freshness import Scopes
from backend.orm.media_lists import MediaFilter, MediaLists
from backend.use_cases.ports import AnswerCache


class ListTotals:
    """Which lists have more media than are counted.

    To count ten thousand rows costs more than the page that is shown with them. Lists of
    all media before a moment need no more than to know where counting stops: whatever
    reaches beyond that has more.
    """

    # Of how old a list may be that is made with it; the rest is the list's own.
    SHARE = 1 / 3
    LISTS_SHARE = 1 - SHARE

    _KEY = "list-counted-to"

    def __init__(self, lists: MediaLists, cache: AnswerCache) -> None:
        self._lists = lists
        self._cache = cache

    async def is_capped(self, wanted: MediaFilter) -> bool:
        """False where it has to be counted. Raises `DatabaseAway`."""
        if not wanted.given.keys() <= {"created_before"}:
            return False
        kept = await self._cache.answer(
            self._KEY, [Scopes.MEDIA_LISTS], self._made, self.SHARE
        )
        if not kept:
            return False
        before = wanted.created_before
        return before is None or before > datetime.fromisoformat(kept.decode())

    async def _made(self) -> bytes:
        """Nothing if all media are counted."""
        moment = await self._lists.counted_to()
        return moment.isoformat().encode() if moment else b""
