"""What readers ask for, over a library of made-up media."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg

from bench.load import Target
from bench.search import Library, Titles

# One page holds them all, in whichever order.
MATCHES = 20
COLD_PATHS = 20_000
COMPARED = 5


@dataclass(frozen=True)
class Question:
    """`cold` are paths that no cache has: each is asked once before any comes again."""

    name: str
    cached: str
    cold: Sequence[str]


class Shelf:
    """The rows, and the questions about them."""

    def __init__(self, url: str, rows: int) -> None:
        self._url = url
        self._rows = rows
        self._random = random.Random(1)  # noqa: S311 - the same order each time

    def fill(self) -> str:
        """Answer whose token a peer may take. An ILIKE gets the index that helps it."""
        titles = Titles().some(self._rows)
        library = Library(self._url)
        library.fill([f"{self._tag(n)} {title}" for n, title in enumerate(titles)])
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                "CREATE INDEX peers_title ON media USING gin (title gin_trgm_ops)"
            )
            connection.execute("VACUUM ANALYZE media")
            owner = connection.execute("SELECT owner_id FROM media LIMIT 1").fetchone()
        return str(owner[0]) if owner else ""

    def questions(self) -> list[Question]:
        media = [f"/media/{identity}/" for identity in self._identities()]
        searches = [self._search(n) for n in range(self._rows // MATCHES)]
        self._random.shuffle(searches)
        return [
            Question("GET one media", media[0], media),
            Question("GET list of 20", "/media/?limit=20", list(self._lists())),
            Question("search", searches[0], searches),
        ]

    def _tag(self, number: int) -> str:
        """A word that `MATCHES` titles have, and that is part of no other."""
        return f"q{number % (self._rows // MATCHES):06d}z"

    def _search(self, number: int) -> str:
        return f"/search?{urlencode({'title': self._tag(number), 'limit': 20})}"

    def _identities(self) -> list[str]:
        statement = "SELECT uuid FROM media ORDER BY md5(uuid::text) LIMIT %s"
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(statement, [COLD_PATHS]).fetchall()
        return [str(row[0]) for row in rows]

    def _lists(self) -> Iterator[str]:
        """Each begins somewhere else."""
        now = datetime.now(UTC)
        for _ in range(COLD_PATHS):
            age = timedelta(seconds=self._random.uniform(60, self._rows * 6))
            before = (now - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            yield f"/media/?{urlencode({'limit': 20, 'created_before': before})}"


class NotEquivalent(Exception):
    """Two servers answer one question differently."""


class Equivalence:
    """Compares answers, in the fields that the peer has."""

    TIMES = ("created_at", "updated_at")

    def check(self, ours: Target, peer: Target, question: Question) -> None:
        """Raises `NotEquivalent`."""
        for path in (question.cached, *question.cold[-COMPARED:]):
            mine, theirs = self._answer(ours, path), self._answer(peer, path)
            if not self._is_same(mine, theirs):
                raise NotEquivalent(f"{path}: {mine} and {theirs}")

    def _is_same(self, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
        if "items" not in theirs:
            return self._is_same_media(mine, theirs)
        own, others = (
            sorted(page["items"], key=lambda item: str(item["uuid"]))
            for page in (mine, theirs)
        )
        return (
            len(own) == len(others)
            and bool(own)
            and all(map(self._is_same_media, own, others))
        )

    def _is_same_media(
        self, mine: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> bool:
        return all(
            self._value(name, mine[name]) == self._value(name, value)
            for name, value in theirs.items()
        )

    def _value(self, name: str, value: Any) -> Any:
        return datetime.fromisoformat(value) if name in self.TIMES else value

    @staticmethod
    def _answer(target: Target, path: str) -> Mapping[str, Any]:
        answer = httpx.get(
            target.url + path, headers=target.headers, trust_env=False, timeout=60.0
        )
        found: Mapping[str, Any] = answer.raise_for_status().json()
        return found
