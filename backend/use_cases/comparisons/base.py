from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from backend.domain.consistency import Ages, Finding, Page

# Listing this many objects takes two requests; their rows are read in milliseconds.
ENTRIES_PER_PAGE = 2_000

Held = TypeVar("Held")
Known = TypeVar("Known")


class Comparison(Protocol):
    """Finds what is wrong, page by page, and repairs it.

    Both methods raise what the ports of the compared stores raise.
    """

    name: ClassVar[str]

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        """A page of about this many entries; comparisons without pages have everything
        on one."""

    async def repair(self, finding: Finding) -> bool:
        """Check the finding again and repair it; False if it no longer applies."""


@dataclass(frozen=True, slots=True)
class MergedPage(Generic[Held, Known]):
    """The entries of a store and of PostgreSQL in the same range of keys.

    Both must have been read in the order of their keys, from the same place, the store
    first: a row exists before the thing that it names. The page ends where one side may
    have unread entries.
    """

    held: Mapping[str, Held]
    known: Mapping[str, Known]
    until: str | None

    @classmethod
    def of(
        cls, held: Mapping[str, Held], known: Mapping[str, Known], most: int
    ) -> "MergedPage[Held, Known]":
        """A side that has `most` entries may have more."""
        ends = [max(side) for side in (held, known) if len(side) >= most]
        if not ends:
            return cls(held, known, None)
        return cls(held, known, None).ending_at(min(ends))

    def ending_at(self, until: str) -> "MergedPage[Held, Known]":
        """The first part of the page."""
        return MergedPage(
            {key: value for key, value in self.held.items() if key <= until},
            {key: value for key, value in self.known.items() if key <= until},
            until,
        )

    @property
    def compared(self) -> int:
        return len(self.held.keys() | self.known.keys())

    @property
    def unowned(self) -> Mapping[str, Held]:
        return {k: v for k, v in self.held.items() if k not in self.known}
