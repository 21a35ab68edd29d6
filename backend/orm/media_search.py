"""Media whose titles have certain words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from backend.orm.database_line import Statement
from backend.orm.database_lines import DatabaseLines
from backend.orm.media_rows import MediaPage, MediaRows, MediaSummaryRow
from backend.orm.pages import MOST_COUNTED, Page

# The least length of a word that is searched inside others.
SUBSTRING_LEAST_CHARACTERS = 3


class MatchStart(NamedTuple):
    """The last match of the previous page, by the order of matches."""

    rank: int
    length: int
    created_at: datetime
    media_id: UUID


class Match(NamedTuple):
    """`rank` 0 is the best; `length` is that of the folded title in characters."""

    rank: int
    length: int
    media: MediaSummaryRow

    @classmethod
    def read(cls, values: Sequence[Any]) -> "Match":
        rank, length, *columns = values
        return cls(rank, length, MediaSummaryRow._make(columns))

    @property
    def start(self) -> MatchStart:
        return MatchStart(
            self.rank, self.length, self.media.created_at, self.media.uuid
        )

    @classmethod
    def merged(cls, *several: Sequence["Match"]) -> "list[Match]":
        """In the order of matches, each media once."""
        media = {match.media.uuid: match for matches in several for match in matches}
        newest_first = sorted(media.values(), key=cls._age, reverse=True)
        return sorted(newest_first, key=cls._quality)

    def _age(self) -> tuple[datetime, UUID]:
        return self.media.created_at, self.media.uuid

    def _quality(self) -> tuple[int, int]:
        return self.rank, self.length


@dataclass(frozen=True, slots=True)
class TitleWords:
    """The words of a search, folded as titles are: no character in them is special."""

    words: tuple[str, ...]
    title: str

    _PLAIN: ClassVar = re.compile(r"[A-Za-z0-9 ]*")

    @classmethod
    def plain(cls, text: str) -> "TitleWords | None":
        """Folds text that needs no tables, without a round trip to the database that
        has them."""
        if not cls._PLAIN.fullmatch(text):
            return None
        return cls.of(f" {' '.join(text.lower().split())} ")

    @classmethod
    def of(cls, folded: str) -> "TitleWords":
        return cls(tuple(dict.fromkeys(folded.split())), folded)

    @property
    def values(self) -> list[str]:
        """For each word the pattern it must match, and those of a whole word and a
        beginning."""
        return [
            pattern
            for word in self.words
            for pattern in (self._match(word), f"% {word} %", f"% {word}%")
        ]

    @staticmethod
    def _match(word: str) -> str:
        is_short = len(word) < SUBSTRING_LEAST_CHARACTERS
        return f"% {word}%" if is_short else f"%{word}%"


class SearchStatement:
    """The SQL of a search: its values are those of the words, of the start and the number
    of rows, in this order."""

    FOLD: ClassVar = Statement("SELECT fold_title($1)", prepared=True)

    _RANK: ClassVar = (
        "CASE WHEN folded_title LIKE ${} THEN 0 WHEN folded_title LIKE ${} THEN 1"
        " ELSE 2 END"
    )
    _AFTER: ClassVar = """
         WHERE rank > ${0} OR rank = ${0} AND (length > ${1} OR length = ${1}
               AND (created_at, uuid) < (${2}, ${3}))
    """
    # Of very many matches the newest are ranked, one more than are counted. The planner
    # may read titles in the order of time until it has them, from an index that has all
    # that is asked for here, or ask the trigrams; whatever it does, it looks at every
    # match once. Which of the two is better depends on the words, so it is planned for
    # them each time.
    _MATCHES: ClassVar = """
        match AS MATERIALIZED (
             SELECT uuid, ({rank})::integer AS rank, char_length(folded_title) AS length,
                    created_at
               FROM (SELECT uuid, folded_title, created_at
                       FROM media
                      WHERE {shown} AND {matches}
                      ORDER BY created_at DESC, uuid DESC
                      LIMIT {most}) newest)
    """
    # Of a title and of the start, if it has one, and the number of rows: what matches
    # word for word has the best rank. Of titles that very many have, the newest are
    # among the matches, and no others are looked for.
    TITLE: ClassVar = Statement(
        f"""
        WITH same AS MATERIALIZED (
             SELECT uuid, created_at
               FROM media
              WHERE {MediaRows.IS_SHOWN} AND folded_title = $1
              LIMIT {MOST_COUNTED + 1}),
             page AS MATERIALIZED (
             SELECT uuid
               FROM same
              WHERE (SELECT count(*) FROM same) <= {MOST_COUNTED}
                AND ($2::timestamptz IS NULL OR (created_at, uuid) < ($2, $3::uuid))
              ORDER BY created_at DESC, uuid DESC
              LIMIT $4::bigint)
        SELECT 0, char_length(media.folded_title), {MediaRows.SUMMARY}
          {MediaRows.FROM} JOIN page ON page.uuid = media.uuid
        """,  # noqa: S608 - made of constants
        prepared=True,
    )

    @classmethod
    @lru_cache(maxsize=256)
    def page(cls, words: int, *, is_first: bool) -> Statement:
        """The total, and rank, length and shown columns of each media."""
        number = 3 * words
        start = range(number + 1, number + 5)
        after = "" if is_first else cls._AFTER.format(*start)
        limit = number + 1 if is_first else number + 5
        return Statement(f"""
            WITH {cls._matches(words)},
                 page AS MATERIALIZED (
                      SELECT * FROM match {after}
                       ORDER BY rank, length, created_at DESC, uuid DESC
                       LIMIT ${limit}::bigint)
            SELECT (SELECT count(*) FROM match), page.rank, page.length,
                   {MediaRows.SUMMARY}
              {MediaRows.FROM} JOIN page ON page.uuid = media.uuid
             ORDER BY page.rank, page.length, page.created_at DESC, page.uuid DESC
            """)  # noqa: S608 - made of constants

    @classmethod
    @lru_cache(maxsize=256)
    def total(cls, words: int) -> Statement:
        matches = cls._matches(words)
        return Statement(f"WITH {matches} SELECT count(*) FROM match")  # noqa: S608

    @classmethod
    def _matches(cls, words: int) -> str:
        numbers = [3 * word + 1 for word in range(words)]
        return cls._MATCHES.format(
            rank=" + ".join(cls._RANK.format(n + 1, n + 2) for n in numbers),
            shown=MediaRows.IS_SHOWN,
            matches=" AND ".join(f"folded_title LIKE ${n}" for n in numbers),
            most=MOST_COUNTED + 1,
        )


class MediaSearch:
    """Finds titles that have all words, each as a word, its beginning or a part of it.

    Best match first: whole words before beginnings before parts, then shorter titles,
    then newer media. Words of one or two characters match whole or as a beginning.
    Of more matches than are counted exactly, only the newest are ranked and shown, and
    those whose whole title was asked for.
    """

    def __init__(self, lines: DatabaseLines) -> None:
        self._lines = lines

    async def page(
        self, text: str, limit: int, start: MatchStart | None
    ) -> MediaPage[MatchStart] | None:
        """None if the text has no word. Raises `DatabaseAway`."""
        words = await self._words(text)
        if not words.words:
            return None
        statement = SearchStatement.page(len(words.words), is_first=start is None)
        rows = await self._lines.rows(
            statement, *words.values, *(start or ()), limit + 1, make=tuple[Any, ...]
        )
        counted = rows[0][0] if rows else await self._total(words, start)
        matches = [Match.read(row[1:]) for row in rows]
        if counted > MOST_COUNTED:
            titles = await self._titles(words.title, limit + 1, start)
            matches = Match.merged(matches, titles)
        after = matches[limit - 1].start if len(matches) > limit else None
        return Page.of([match.media for match in matches[:limit]], after, counted)

    async def _words(self, text: str) -> TitleWords:
        """Asks the database, which has the tables, if more than case must be folded."""
        plain = TitleWords.plain(text)
        if plain is not None:
            return plain
        [(folded,)] = await self._lines.rows(
            SearchStatement.FOLD, text, make=tuple[Any, ...]
        )
        return TitleWords.of(folded)

    async def _total(self, words: TitleWords, start: MatchStart | None) -> int:
        """The total for an empty page, which has no row to carry it."""
        if start is None:
            return 0
        statement = SearchStatement.total(len(words.words))
        [(counted,)] = await self._lines.rows(
            statement, *words.values, make=tuple[Any, ...]
        )
        return int(counted)

    async def _titles(
        self, title: str, limit: int, start: MatchStart | None
    ) -> list[Match]:
        """Media whose whole title is the search text, unordered.

        Includes old ones, unless there are more than are counted.
        """
        best = (0, len(title))
        newest: tuple[datetime | None, UUID | None] = (None, None)
        if start is not None:
            if (start.rank, start.length) > best:
                return []
            if (start.rank, start.length) == best:
                newest = (start.created_at, start.media_id)
        return await self._lines.rows(
            SearchStatement.TITLE, title, *newest, limit, make=Match.read
        )
