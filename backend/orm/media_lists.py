"""Lists of media: filtered, ordered, in pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, TypeAlias
from uuid import UUID

from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_rows import MediaPage, MediaRows
from backend.orm.pages import Keyset, PageStart

_LOOKUPS = {
    "status": "status",
    "owner": "owner",
    "sha256": "video__sha256",
    "created_after": "created_at__gte",
    "created_before": "created_at__lt",
    "min_duration": "duration_seconds__gte",
    "max_duration": "duration_seconds__lte",
}


class MediaOrder(StrEnum):
    NEWEST_FIRST = "-created_at"
    OLDEST_FIRST = "created_at"
    BY_TITLE = "title"
    BY_TITLE_BACKWARDS = "-title"


class TitleStart(NamedTuple):
    """What `PageStart` is, where titles are in order."""

    folded_title: str
    uuid: UUID


Start: TypeAlias = PageStart | TitleStart


@dataclass(frozen=True, slots=True)
class MediaFilter:
    """Which media are listed; None is no matter.

    Times from `created_after` on and before `created_before`, durations from
    `min_duration` to `max_duration`, both included.
    """

    status: str | None = None
    owner: UUID | None = None
    sha256: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    min_duration: float | None = None
    max_duration: float | None = None


class Ordering(Keyset[Start]):
    """What an order means to the database."""

    _COLUMNS: ClassVar[dict[str, type[Start]]] = {
        "created_at": PageStart,
        "folded_title": TitleStart,
    }

    def __init__(self, order: MediaOrder) -> None:
        name = order.removeprefix("-")
        column = "folded_title" if name == MediaOrder.BY_TITLE else name
        super().__init__(column, self._COLUMNS[column], backwards=order.startswith("-"))


class MediaLists:
    """Pages of what readers see. Every method raises `DatabaseAway`."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def page(
        self, wanted: MediaFilter, order: MediaOrder, limit: int, start: Start | None
    ) -> MediaPage[Start]:
        """`start` is of the kind that belongs to the order."""
        return await self._threads.run(self._page, wanted, order, limit, start)

    @classmethod
    def _page(
        cls, wanted: MediaFilter, order: MediaOrder, limit: int, start: Start | None
    ) -> MediaPage[Start]:
        media = MediaRows.shown().filter(**dict(cls._conditions(wanted)))
        return Ordering(order).page(media, MediaRows.summaries, limit, start)

    @staticmethod
    def _conditions(wanted: MediaFilter) -> Iterator[tuple[str, Any]]:
        for name, lookup in _LOOKUPS.items():
            if (value := getattr(wanted, name)) is not None:
                yield lookup, value
