"""Made-up media, as many as are wanted."""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate

import psycopg

from backend.orm.pages import MOST_COUNTED

# From each media to the next older one.
APART_SECONDS = 7
_MEDIA = """
    INSERT INTO media
           (uuid, owner_id, title, description, file_name, video_id, status,
            failure_code, technical, duration_seconds, revision, created_at,
            published_at, described_at)
    SELECT uuid, %(owner)s, title, repeat('What is to be seen. ', 10), 'clip.mp4',
           uuid, 'ready', '',
           '{"container": "MPEG-4", "duration": 10.0, "bit_rate": 800, "audio": null,
             "video": {"codec": "AVC", "width": 64, "height": 48, "frame_rate": 25.0}}',
           10 + number %% 600, 1, now() - number * %(apart)s * interval '1 second',
           now(), now()
      FROM made
"""
_BLOBS = """
    INSERT INTO blob (uuid, sha256, size_bytes, media_type, object_key, staged_name,
                      state, stored_at)
    SELECT uuid, encode(sha256(uuid_send(uuid)), 'hex'), 1000, 'video/mp4',
           'videos/' || uuid || '.mp4', uuid, 'stored', now()
      FROM made
"""
_URLS = """
    INSERT INTO url (media_id, kind, object_key)
    SELECT uuid, kind, kind || 's/' || uuid
      FROM made, unnest(ARRAY['video', 'miniature']) kind
"""


class Titles:
    """Two to eight words each, of 8,000 that follow Zipf's law; some have accents."""

    _SYLLABLES = [
        "ka",
        "ro",
        "mi",
        "ta",
        "lo",
        "ne",
        "su",
        "vi",
        "da",
        "ran",
        "tel",
        "mor",
        "bin",
        "gar",
        "pol",
        "ist",
        "ven",
        "hol",
        "sum",
        "mer",
        "day",
        "ing",
        "ber",
        "lin",
        "par",
        "is",
        "lon",
        "don",
        "tok",
        "yo",
        "mad",
        "rid",
        "os",
        "lé",
        "rö",
        "ñu",
    ]

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same titles each time
        self.words = [self._word() for _ in range(8_000)]
        weights = (1 / (rank + 5) ** 0.9 for rank in range(len(self.words)))
        # Added up once: `choices` would do it for each title.
        self._summed = list(accumulate(weights))

    def some(self, count: int) -> Iterator[str]:
        for _ in range(count):
            length = self._random.randint(2, 8)
            words = self._random.choices(self.words, cum_weights=self._summed, k=length)
            yield " ".join(words).title()

    def searches(self) -> Iterator[str]:
        """Whole words, their beginnings and parts, and two of them together."""
        while True:
            one, other = self._random.sample(self.words, 2)
            yield one
            yield one[: self._random.randint(1, 4)]
            yield one[1 : 1 + self._random.randint(3, 5)]
            yield f"{other[:4]} {one[:3]}".upper()

    def _word(self) -> str:
        count = self._random.randint(1, 4)
        return "".join(self._random.choices(self._SYLLABLES, k=count))


class TaggedTitles:
    """Titles of which some are found by a word, the same number at every size."""

    MATCHES = 50
    TAGS = 200
    COMMON = "tenth"
    # From so many rows on a tenth of them is more than a search ranks.
    CAPPED_FROM = 10 * MOST_COUNTED

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[str]:
        """Tags lie evenly among old and new."""
        every = self._rows // (self.MATCHES * self.TAGS)
        for number, title in enumerate(Titles().some(self._rows)):
            words = [self.COMMON] if number % 10 == 0 else []
            if number % every == 0:
                words.append(self.tag(number // every))
            yield " ".join([*words, title])

    @classmethod
    def tag(cls, number: int) -> str:
        """A word that is part of no other."""
        return f"q{number % cls.TAGS:06d}z"


class Indexes:
    """Taken away while very many rows come, for to build them at once is quicker."""

    _ALL = """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
          FROM pg_index
         WHERE indrelid = 'media'::regclass AND NOT indisunique
    """

    def __init__(self, connection: "psycopg.Connection[tuple[str, str]]") -> None:
        self._connection = connection

    @contextmanager
    def away(self) -> Iterator[None]:
        indexes = self._connection.execute(self._ALL).fetchall()
        for name, _ in indexes:
            self._connection.execute(f"DROP INDEX {name}".encode())
        yield
        self._connection.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            self._connection.execute(definition.encode())


class Library:
    """The database with its titles."""

    def __init__(self, url: str) -> None:
        self._url = url

    def fill(self, titles: Iterable[str]) -> None:
        """The first is the newest. Rows of ours only: nobody checks who refers to whom."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                "CREATE TEMPORARY TABLE made (uuid uuid DEFAULT gen_random_uuid(), "
                "number serial, title text)"
            )
            with connection.cursor().copy("COPY made (title) FROM STDIN") as copy:
                for title in titles:
                    copy.write_row([title])
            owner = connection.execute('SELECT uuid FROM "user"').fetchone()
            connection.execute(_BLOBS)
            with Indexes(connection).away():
                values = {"owner": owner[0] if owner else None, "apart": APART_SECONDS}
                connection.execute(_MEDIA, values)
            connection.execute(_URLS)
            connection.execute("VACUUM ANALYZE")
