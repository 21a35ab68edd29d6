"""Media whose titles have certain words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from backend.domain.states import SHOWN_MEDIA
from backend.orm.database_threads import DatabaseThreads
from backend.orm.media_rows import MediaPage, MediaRows
from backend.orm.pages import MOST_COUNTED, Page

# What a word must have to be looked for inside of others.
SUBSTRING_LEAST_CHARACTERS = 3


class MatchStart(NamedTuple):
    """The last match of the page before, by what matches are ordered by."""

    rank: int
    length: int
    created_at: datetime
    media_id: UUID


@dataclass(frozen=True, slots=True)
class TitleWords:
    """The words of a search, folded as titles are: no character in them is special."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "TitleWords":
        """Asks the database, which is the only one who folds."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT fold_title(%s)", [text])
            (folded,) = cursor.fetchone() or ("",)
        return cls(tuple(dict.fromkeys(folded.split())))

    def statement(self, start: MatchStart | None) -> str:
        """Takes the values of `MediaSearch`: ranks, patterns, most matches, start."""
        rank = " + ".join([_RANK] * len(self.words))
        matches = " AND ".join(["folded_title LIKE %s"] * len(self.words))
        return _STATEMENT.format(
            rank=rank, matches=matches, after=_AFTER if start else ""
        )

    @property
    def ranks(self) -> list[str]:
        """Patterns of the whole word and of its beginning, for each."""
        return [p for word in self.words for p in (f"% {word} %", f"% {word}%")]

    @property
    def patterns(self) -> list[str]:
        return [
            f"%{word}%" if len(word) >= SUBSTRING_LEAST_CHARACTERS else f"% {word}%"
            for word in self.words
        ]


_RANK = (
    "CASE WHEN folded_title LIKE %s THEN 0 WHEN folded_title LIKE %s THEN 1 ELSE 2 END"
)
_AFTER = """
    WHERE rank > %s OR rank = %s AND (length > %s OR length = %s
          AND (created_at, uuid) < (%s, %s))
"""
# Of very many matches the newest are ranked, one more than are counted. The planner may
# read the newest media one after the other until it has them, or ask the trigrams;
# whatever it does, it looks at every match once.
_STATEMENT = """
    WITH match AS MATERIALIZED (
         SELECT uuid, {rank} AS rank, length, created_at
           FROM (SELECT uuid, folded_title, char_length(title) AS length, created_at
                   FROM media
                  WHERE status = ANY(%s) AND {matches}
                  ORDER BY created_at DESC, uuid DESC
                  LIMIT %s) newest
    )
    SELECT counted.total, page.rank, page.length, page.created_at, page.uuid
      FROM (SELECT count(*) AS total FROM match) counted
      LEFT JOIN (
           SELECT * FROM match {after}
            ORDER BY rank, length, created_at DESC, uuid DESC
            LIMIT %s
      ) page ON true
     ORDER BY page.rank, page.length, page.created_at DESC, page.uuid DESC
"""


class MediaSearch:
    """Finds titles that have all words, each as a word, its beginning or a part of it.

    Best match first: whole words before beginnings before parts, then shorter titles,
    then newer media. Words of one or two characters match whole or as a beginning.
    Of more matches than are counted exactly, only the newest are ranked and shown.
    """

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads

    async def page(
        self, text: str, limit: int, start: MatchStart | None
    ) -> MediaPage[MatchStart] | None:
        """None if the text has no word. Raises `DatabaseAway`."""
        return await self._threads.run(self._page, text, limit, start)

    @classmethod
    def _page(
        cls, text: str, limit: int, start: MatchStart | None
    ) -> MediaPage[MatchStart] | None:
        words = TitleWords.of(text)
        if not words.words:
            return None
        total, matches = cls._matches(words, limit + 1, start)
        shown = matches[:limit]
        after = shown[-1] if len(matches) > limit else None
        found = MediaRows.shown().filter(uuid__in=[match.media_id for match in shown])
        rows = {row.uuid: row for row in MediaRows.summaries(found)}
        # One that was deleted since is not there any more.
        items = [rows[m.media_id] for m in shown if m.media_id in rows]
        return Page.of(items, after, total)

    @staticmethod
    def _matches(
        words: TitleWords, most: int, start: MatchStart | None
    ) -> tuple[int, list[MatchStart]]:
        values: list[Any] = [*words.ranks, list(SHOWN_MEDIA), *words.patterns]
        values.append(MOST_COUNTED + 1)
        if start is not None:
            rank, length, created_at, media_id = start
            values += [rank, rank, length, length, created_at, media_id]
        with connection.cursor() as cursor:
            cursor.execute(words.statement(start), [*values, most])
            found = cursor.fetchall()
        return found[0][0], [MatchStart(*row) for _, *row in found if row[-1]]
