"""The tags with which a client says which state it has seen."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from backend.domain.errors import Malformed


@dataclass(frozen=True, slots=True)
class EntityTags:
    """The value of `If-Match` or `If-None-Match` (RFC 9110, 13.1 and 8.8.3).

    `anything` is the `*`. A number without quotes is accepted as well: with signed
    addresses there are no tags, and clients send the `revision` that they have read.
    """

    anything: bool = False
    strong: frozenset[str] = frozenset()
    weak: frozenset[str] = frozenset()

    _ITEM: ClassVar = re.compile(
        r'[ \t,]*(?:(W/)?"([\x21\x23-\x7e\x80-\xff]*)"|(\d+))[ \t]*(?:,[ \t,]*|\Z)',
        re.ASCII,
    )

    # A client needs only one tag; a long list has mostly outdated ones.
    _MOST_CHARACTERS: ClassVar = 4_096

    @classmethod
    def parse(cls, header: str) -> Self:
        """Raises `Malformed`."""
        if len(header) > cls._MOST_CHARACTERS:
            raise Malformed(
                f"A list of entity tags may have {cls._MOST_CHARACTERS} characters."
            )
        text = header.strip(" \t")
        if text == "*":
            return cls(anything=True)
        tags: dict[bool, set[str]] = {True: set(), False: set()}
        position = 0
        while position < len(text) or position == 0:
            found = cls._ITEM.match(text, position)
            if found is None:
                raise Malformed("This is not a list of entity tags.")
            tags[found[1] is None].add(found[2] if found[3] is None else found[3])
            position = found.end()
        return cls(strong=frozenset(tags[True]), weak=frozenset(tags[False]))

    @property
    def states(self) -> frozenset[str] | None:
        """The tags of which one must match for a change; None accepts any.

        Weak tags are left out: they do not promise the same state.
        """
        return None if self.anything else self.strong

    def has(self, tag: str) -> bool:
        """Whether a client that has one of these already has this state."""
        return self.anything or tag in self.strong or tag in self.weak

    @staticmethod
    def quoted(tag: object) -> str:
        return f'"{tag}"'
