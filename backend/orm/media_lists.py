"""Lists of media: filtered, ordered, in pages."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, TypeAlias
from uuid import UUID

from backend.orm.database_line import Statement
from backend.orm.database_lines import DatabaseLines
from backend.orm.media_rows import MediaPage, MediaRows, MediaSummaryRow
from backend.orm.pages import MOST_COUNTED, Page, PageStart


class MediaOrder(StrEnum):
    NEWEST_FIRST = "-created_at"
    OLDEST_FIRST = "created_at"
    BY_TITLE = "title"
    BY_TITLE_BACKWARDS = "-title"


class TitleStart(NamedTuple):
    """The counterpart of `PageStart` for lists in the order of titles."""

    folded_title: str
    uuid: UUID


Start: TypeAlias = PageStart | TitleStart


@dataclass(frozen=True, slots=True)
class MediaFilter:
    """Which media are listed; None means any.

    Times from `created_after` up to but not including `created_before`; durations from
    `min_duration` to `max_duration`, inclusive.
    """

    status: str | None = None
    owner: UUID | None = None
    sha256: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    min_duration: float | None = None
    max_duration: float | None = None

    @property
    def given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


class Ordering:
    """What an order means to the database; the uuid decides among equals."""

    def __init__(self, order: MediaOrder) -> None:
        by_title = order.removeprefix("-") == MediaOrder.BY_TITLE
        self.column = "folded_title" if by_title else "created_at"
        self.start_kind: type[Start] = TitleStart if by_title else PageStart
        backwards = order.startswith("-")
        self._direction, self._beyond = ("DESC", "<") if backwards else ("ASC", ">")

    @property
    def clause(self) -> str:
        way = self._direction
        return f"ORDER BY media.{self.column} {way}, media.uuid {way}"

    def after(self, value: str, uuid: str) -> str:
        """One comparison of rows, so that the index begins at the right place."""
        return f"(media.{self.column}, media.uuid) {self._beyond} ({value}, {uuid})"

    def start(self, last: MediaSummaryRow) -> Start:
        if self.start_kind is TitleStart:
            return TitleStart(last.folded_title, last.uuid)
        return PageStart(last.created_at, last.uuid)


class ListStatement:
    """The SQL of one kind of page: its values are those of the filter, of the start and
    the number of rows, in this order."""

    # The creation time of the first media that is not counted, oldest first.
    COUNTED_TO: ClassVar = Statement(
        f"""
        SELECT created_at FROM media WHERE {MediaRows.IS_SHOWN}
         ORDER BY created_at, uuid OFFSET {MOST_COUNTED} LIMIT 1
        """,  # noqa: S608 - made of constants
        prepared=True,
    )

    _CONDITIONS: ClassVar = {
        "status": "media.status = {}",
        "owner": "media.owner_id = {}",
        "sha256": "blob.sha256 = {}",
        "created_after": "media.created_at >= {}",
        "created_before": "media.created_at < {}",
        "min_duration": "media.duration_seconds >= {}",
        "max_duration": "media.duration_seconds <= {}",
    }
    _TIMES: ClassVar = frozenset({"created_after", "created_before"})

    @classmethod
    @lru_cache(maxsize=1_024)
    def page(
        cls,
        given: tuple[str, ...],
        order: MediaOrder,
        *,
        is_first: bool,
        is_capped: bool = False,
    ) -> Statement:
        """The total and the shown columns of each media; nothing for an empty page.

        `is_capped`: the list is known to have more media than are counted.
        """
        ordering, conditions = Ordering(order), cls._conditions(given)
        number = len(given)
        place = conditions
        if not is_first:
            after = ordering.after(f"${number + 1}", f"${number + 2}")
            place, number = f"{conditions} AND {after}", number + 2
        counted = f"{MOST_COUNTED + 1}::bigint" if is_capped else cls._counted(given)
        text = f"""
            SELECT ({counted}), {MediaRows.SUMMARY} {MediaRows.FROM}
             WHERE {place} {ordering.clause} LIMIT ${number + 1}::bigint
        """
        return Statement(text, prepared=cls._is_planned_once(given, ordering))

    @classmethod
    @lru_cache(maxsize=1_024)
    def total(cls, given: tuple[str, ...]) -> Statement:
        return Statement(cls._counted(given))

    @classmethod
    def _counted(cls, given: tuple[str, ...]) -> str:
        source = MediaRows.FROM if "sha256" in given else "FROM media"
        return f"""
            SELECT count(*) FROM (SELECT {source}
             WHERE {cls._conditions(given)} LIMIT {MOST_COUNTED + 1}) one
        """  # noqa: S608 - made of constants

    @classmethod
    def _conditions(cls, given: tuple[str, ...]) -> str:
        asked = [
            cls._CONDITIONS[name].format(f"${number}")
            for number, name in enumerate(given, 1)
        ]
        return " AND ".join([MediaRows.IS_SHOWN, *asked])

    @classmethod
    def _is_planned_once(cls, given: tuple[str, ...], ordering: Ordering) -> bool:
        """True if the index of the order also covers the conditions, for all values.

        Otherwise the best plan depends on how many media have the value.
        """
        by_time = ordering.column == "created_at"
        return not given or (by_time and cls._TIMES.issuperset(given))


class MediaLists:
    """Pages of the media visible to readers. Every method raises `DatabaseAway`."""

    def __init__(self, lines: DatabaseLines) -> None:
        self._lines = lines

    async def page(
        self,
        wanted: MediaFilter,
        order: MediaOrder,
        limit: int,
        start: Start | None,
        *,
        is_capped: bool = False,
    ) -> MediaPage[Start]:
        """`start` is of the kind that belongs to the order.

        `is_capped`: there are known to be more than are counted.
        """
        given = wanted.given
        statement = ListStatement.page(
            tuple(given), order, is_first=start is None, is_capped=is_capped
        )
        asked = *given.values(), *(start or ()), limit + 1
        rows = await self._lines.rows(statement, *asked, make=tuple[Any, ...])
        counted = rows[0][0] if rows else await self._total(given, start)
        media = [MediaSummaryRow._make(row[1:]) for row in rows]
        after = Ordering(order).start(media[limit - 1]) if len(media) > limit else None
        return Page.of(media[:limit], after, counted)

    async def counted_to(self) -> datetime | None:
        """The moment from which on lists of all media before it are not counted
        exactly. None if there are not that many media."""
        rows = await self._lines.rows(ListStatement.COUNTED_TO, make=tuple[datetime])
        return rows[0][0] if rows else None

    async def _total(self, given: dict[str, Any], start: Start | None) -> int:
        """Of a page that is empty, which does not say it."""
        if start is None:
            return 0
        statement = ListStatement.total(tuple(given))
        [(counted,)] = await self._lines.rows(
            statement, *given.values(), make=tuple[Any, ...]
        )
        return int(counted)
