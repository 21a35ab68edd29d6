"""What readers ask for, over a library of made-up media."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg

from backend.orm.pages import MOST_COUNTED
from bench.library import APART_SECONDS, Library, Titles
from bench.load import Target
from bench.trial import NotEquivalent

# One page holds them all, in whichever order.
MATCHES = 20
COMPARED = 5


@dataclass(frozen=True)
class Question:
    """`cold` are paths that no cache has: each is asked once before any comes again.

    `is_ranked`: ours has an order of its own for what is found.
    """

    name: str
    cached: str
    cold: Sequence[str]
    is_ranked: bool = False


class Pages:
    """Paths of lists and searches, as many of each as there are media."""

    # Every so many lists end somewhere too.
    BOUNDED = 4

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._words = rows // MATCHES
        self._random = random.Random(1)  # noqa: S311 - the same order each time

    def tag(self, number: int) -> str:
        """A word that `MATCHES` titles have, and that is part of no other."""
        return f"q{number % self._words:06d}z"

    def search(self, number: int, limit: int) -> str:
        return f"/search?{urlencode({'title': self.tag(number), 'limit': limit})}"

    def searches(self) -> list[str]:
        """Each word with several limits: to a cache they differ, and are the same work."""
        limits = range(MATCHES, MATCHES + self._rows // self._words)
        paths = [
            self.search(word, limit) for limit in limits for word in range(self._words)
        ]
        self._random.shuffle(paths)
        return paths

    def lists(self) -> Iterator[str]:
        """Each begins somewhere else, where many media are left. Of the bounded ones our
        total has to be counted."""
        now = datetime.now(UTC)
        for number in range(self._rows):
            age = self._random.uniform(60, self._rows * (APART_SECONDS - 1))
            asked = {"limit": "20", "created_before": self._time(now, age)}
            if number % self.BOUNDED == 0:
                count = self._random.uniform(MATCHES, MOST_COUNTED)
                asked["created_after"] = self._time(now, age + count * APART_SECONDS)
            yield f"/media/?{urlencode(asked)}"

    @staticmethod
    def _time(now: datetime, age_seconds: float) -> str:
        moment = now - timedelta(seconds=age_seconds)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Shelf:
    """The rows, and the questions about them."""

    def __init__(self, url: str, rows: int) -> None:
        self._url = url
        self._rows = rows
        self._pages = Pages(rows)

    def fill(self) -> str:
        """Answer whose token a peer may take."""
        titles = Titles().some(self._rows)
        library = Library(self._url)
        library.fill(
            [f"{self._pages.tag(n)} {title}" for n, title in enumerate(titles)]
        )
        with psycopg.connect(self._url, autocommit=True) as connection:
            owner = connection.execute("SELECT owner_id FROM media LIMIT 1").fetchone()
        return str(owner[0]) if owner else ""

    def questions(self) -> list[Question]:
        media = [f"/media/{identity}/" for identity in self._identities()]
        pages = self._pages
        lists, searches = list(pages.lists()), pages.searches()
        return [
            Question("GET one media", media[0], media),
            Question("GET list of 20", "/media/?limit=20", lists),
            Question("search", pages.search(0, MATCHES), searches, is_ranked=True),
        ]

    def _identities(self) -> list[str]:
        statement = "SELECT uuid FROM media ORDER BY md5(uuid::text)"
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(statement).fetchall()
        return [str(row[0]) for row in rows]


class Equivalence:
    """Compares answers, in the fields that the peer has.

    Lists in their order, what a search finds in any: only ours is ranked.
    """

    TIMES = ("created_at", "updated_at")

    def check(self, ours: Target, peer: Target, question: Question) -> None:
        """Raises `NotEquivalent`."""
        for path in (question.cached, *question.cold[-COMPARED:]):
            mine, theirs = self._answer(ours, path), self._answer(peer, path)
            if question.is_ranked:
                mine, theirs = self._in_one_order(mine), self._in_one_order(theirs)
            if not self._is_same(mine, theirs):
                raise NotEquivalent(f"{path}: {mine} and {theirs}")

    def _is_same(self, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
        if "items" not in theirs:
            return self._is_same_media(mine, theirs)
        own, others = mine["items"], theirs["items"]
        return (
            len(own) == len(others)
            and bool(own)
            and all(map(self._is_same_media, own, others))
        )

    @staticmethod
    def _in_one_order(page: Mapping[str, Any]) -> Mapping[str, Any]:
        items = sorted(page["items"], key=lambda item: str(item["uuid"]))
        return {**page, "items": items}

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
