"""Lists in pages: each begins after the last row of the one before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

# The total of a page is exact to here: to count a whole table takes as long as it is.
MOST_COUNTED = 10_000

Item = TypeVar("Item")
Start = TypeVar("Start", bound=tuple[Any, ...])


class PageStart(NamedTuple):
    """The last row of the page before: the next page begins after it."""

    created_at: datetime
    uuid: UUID


@dataclass(frozen=True, slots=True)
class Page(Generic[Item, Start]):
    """`after` is where the next page starts, None on the last one."""

    items: Sequence[Item]
    after: Start | None
    total: int
    total_is_exact: bool

    @classmethod
    def of(cls, items: Sequence[Item], after: Start | None, counted: int) -> Self:
        """`counted` may have stopped somewhere beyond what is told exactly."""
        return cls(items, after, min(counted, MOST_COUNTED), counted <= MOST_COUNTED)


class Keyset(Generic[Start]):
    """Rows in the order of a column; the uuid decides among equals."""

    def __init__(
        self, column: str, start_kind: type[Start], *, backwards: bool
    ) -> None:
        self.start_kind = start_kind
        self._column = column
        self._sign, self._beyond = ("-", "lt") if backwards else ("", "gt")

    def page(
        self,
        rows: QuerySet[Any],
        load: Callable[[QuerySet[Any]], Sequence[Item]],
        limit: int,
        start: Start | None,
    ) -> Page[Item, Start]:
        """What is loaded needs `uuid` and the column as attributes."""
        counted = rows[: MOST_COUNTED + 1].count()
        following = rows.filter(self._after(start)) if start else rows
        ordered = following.order_by(f"{self._sign}{self._column}", f"{self._sign}uuid")
        loaded = load(ordered[: limit + 1])
        after = self._start(loaded[limit - 1]) if len(loaded) > limit else None
        return Page.of(loaded[:limit], after, counted)

    def _start(self, last: Any) -> Start:
        make: Callable[..., Start] = self.start_kind
        return make(getattr(last, self._column), last.uuid)

    def _after(self, start: Start) -> Q:
        value, uuid = start
        column, beyond = self._column, self._beyond
        same = Q(**{column: value, f"uuid__{beyond}": uuid})
        # The first condition lets the index begin at the right place.
        return Q(**{f"{column}__{beyond}e": value}) & (
            Q(**{f"{column}__{beyond}": value}) | same
        )
