"""Lists in pages: each begins after the last row of the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

# Totals are exact up to here: counting a whole table takes time in proportion.
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
        """`counted` may have stopped somewhere beyond the exact limit."""
        return cls(items, after, min(counted, MOST_COUNTED), counted <= MOST_COUNTED)
