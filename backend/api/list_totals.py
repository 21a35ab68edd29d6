"""Knows totals of lists without counting."""

from datetime import datetime

from backend.domain.freshness import Scopes
from backend.orm.media_lists import MediaFilter, MediaLists
from backend.use_cases.ports import AnswerCache


class ListTotals:
    """Knows which lists have more media than are counted.

    Counting ten thousand rows costs more than the page itself. For lists of all media
    before a moment it is enough to know where counting stops: a list that reaches
    beyond it has more.
    """

    # The share of the allowed age that this uses; the rest is for the list itself.
    SHARE = 1 / 3
    LISTS_SHARE = 1 - SHARE

    _KEY = "list-counted-to"

    def __init__(self, lists: MediaLists, cache: AnswerCache) -> None:
        self._lists = lists
        self._cache = cache

    async def is_capped(self, wanted: MediaFilter) -> bool:
        """False if the list has to be counted. Raises `DatabaseAway`."""
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
