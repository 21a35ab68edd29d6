"""How a file is cut into parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a part is in its file; parts are numbered from 1."""

    number: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class PartPlan:
    """Cuts a size into parts: S3 takes 10,000 of them, none above 5 GiB."""

    LEAST_PART_BYTES: ClassVar = 16 * MEBIBYTE
    MOST_PARTS: ClassVar = 9_000

    size_bytes: int

    @property
    def part_bytes(self) -> int:
        return max(self.LEAST_PART_BYTES, -(-self.size_bytes // self.MOST_PARTS))

    @property
    def fits_one_request(self) -> bool:
        return self.size_bytes <= self.LEAST_PART_BYTES

    def __iter__(self) -> Iterator[Cut]:
        starts = range(0, self.size_bytes, self.part_bytes)
        for number, start in enumerate(starts, start=1):
            yield Cut(number, start, min(self.part_bytes, self.size_bytes - start))
