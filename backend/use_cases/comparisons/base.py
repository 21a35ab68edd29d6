from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from backend.domain.consistency import Ages, Finding, Page

# Listing so many objects is two requests; the rows of them are read in milliseconds.
ENTRIES_PER_PAGE = 2_000

Held = TypeVar("Held")
Known = TypeVar("Known")


class Comparison(Protocol):
    """Finds what is wrong, page by page, and repairs it.

    Both methods raise what the ports of the compared stores raise.
    """

    name: ClassVar[str]

    async def page(self, after: str, most: int, ages: Ages) -> Page:
        """Of about so many entries; what needs no pages has everything on one."""

    async def repair(self, finding: Finding) -> bool:
        """Ask again and put it right; False if it is not as it was found any more."""


@dataclass(frozen=True, slots=True)
class MergedPage(Generic[Held, Known]):
    """What a store holds and what PostgreSQL knows, of the same range of keys.

    Both must have been read in the order of their keys, from the same place, the store
    first: a row is there before the thing that it names. Where one side may go on
    beyond what was read of it, the page ends.
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
        """Its first part."""
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
