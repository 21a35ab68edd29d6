"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """`pairs` are runs of two right after one another: twice as many as A B B A."""

    name: str
    pairs: int
    read_rows: int
    read_seconds: int
    upload_mebibytes: int
    upload_pairs: int
    ready_media: int
    backlog_media: int
    backlog_pairs: int
    growth_rows: tuple[int, ...]
    growth_pairs: int


FULL = Scale(
    name="full",
    pairs=12,
    read_rows=100_000,
    read_seconds=2,
    upload_mebibytes=1024,
    upload_pairs=12,
    ready_media=24,
    backlog_media=300,
    backlog_pairs=12,
    growth_rows=(10_000, 100_000, 1_000_000),
    growth_pairs=12,
)
QUICK = Scale(
    name="quick",
    pairs=2,
    read_rows=20_000,
    read_seconds=1,
    upload_mebibytes=64,
    upload_pairs=2,
    ready_media=2,
    backlog_media=30,
    backlog_pairs=2,
    growth_rows=(10_000, 20_000),
    growth_pairs=2,
)
