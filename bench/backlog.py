"""Small media that have been received and wait for both of their jobs."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from pymongo import MongoClient

from backend.embedded.clip import Clip
from bench.ours import OurSystem
from bench.trial import NotEquivalent

DONE_SECONDS = 120.0
_BLOBS = """
    INSERT INTO blob (uuid, sha256, size_bytes, media_type, object_key, staged_name,
                      state)
    VALUES (%(uuid)s, %(sha256)s, %(size)s, 'video/mp4',
            'videos/' || %(uuid)s || '.mp4', %(uuid)s, 'staged')
"""
_MEDIA = """
    INSERT INTO media (uuid, owner_id, title, description, file_name, video_id, status,
                       failure_code, revision)
    SELECT %(uuid)s, uuid, 'Small', '', 'small.mp4', %(uuid)s, 'pending', '', 1
      FROM "user" LIMIT 1
"""
# Nobody but the measured worker is told of them.
_JOBS = """
    INSERT INTO job (uuid, media_id, kind, status, attempt, failed_attempts, fence,
                     progress, ring_after, failure_code, request_id)
    SELECT gen_random_uuid(), %(uuid)s, kind, 'queued', 0, 0, 0, 0,
           now() + interval '1 day', '', ''
      FROM unnest(ARRAY['upload_to_cdn', 'extract_metadata']) kind
"""
_TIMES = """
    SELECT extract(epoch FROM min(attempt.started_at))::float,
           extract(epoch FROM max(attempt.ended_at))::float
      FROM job JOIN job_attempt attempt ON attempt.job_id = job.uuid
     WHERE media_id = ANY(%s)
"""
_UNDONE = "SELECT count(*) FROM media WHERE uuid = ANY(%s) AND status <> 'ready'"
_ROWS = """
    SELECT m.status, m.technical::text, m.duration_seconds, b.state, u.kind,
           m.published_at IS NOT NULL, m.described_at IS NOT NULL,
           array_agg(ARRAY[j.kind, j.status, j.attempt::text, j.progress::text,
                           a.outcome] ORDER BY j.kind)
      FROM media m JOIN blob b ON b.uuid = m.video_id
      JOIN url u ON u.media_id = m.uuid JOIN job j ON j.media_id = m.uuid
      JOIN job_attempt a ON a.job_id = j.uuid
     WHERE m.uuid = %s GROUP BY m.uuid, b.uuid, u.id
"""


@dataclass(frozen=True)
class Outcome:
    """What is known of one media when all of its work is done."""

    rows: Sequence[Any]
    tracks: Any
    headers: tuple[str | None, ...]


class Backlog:
    """Makes them in the stores of a system, and looks what became of them."""

    _HEADERS = ("content-type", "cache-control", "x-amz-meta-sha256")

    def __init__(self, system: OurSystem, folder: Path) -> None:
        self._environment = system.environment
        self._staging = Path(system.environment["STAGING_DIR"])
        self._clip = Clip(seconds=1.0, width=160, height=90).make(folder / "small.mp4")
        self._hashes: dict[UUID, str] = {}

    def fill(self, count: int) -> list[UUID]:
        names = [uuid4() for _ in range(count)]
        clip = self._clip.read_bytes()
        rows = [self._stage(name, clip) for name in names]
        with self._connected() as connection, connection.cursor() as cursor:
            for statement in (_BLOBS, _MEDIA, _JOBS):
                cursor.executemany(statement, rows)
        return names

    def seconds(self, media: Sequence[UUID]) -> float:
        """From the beginning of the first job to the end of the last.

        Waits for it. Raises `TimeoutError`.
        """
        names = list(media)
        deadline = time.monotonic() + DONE_SECONDS
        with self._connected() as connection:
            while self._value(connection, _UNDONE, names)[0]:
                if time.monotonic() > deadline:
                    raise TimeoutError("the jobs do not end")
                time.sleep(0.2)
            first, last = self._value(connection, _TIMES, names)
        return float(last - first)

    def outcome(self, media: UUID) -> Outcome:
        """Raises `NotEquivalent` if the object has other bytes."""
        with self._connected() as connection:
            rows = self._value(connection, _ROWS, media)
        with MongoClient[dict[str, Any]](
            self._environment["MONGO_URL"], uuidRepresentation="standard"
        ) as client:
            documents = client.get_default_database("mediaproject")["metadata"]
            document = documents.find_one({"_id": media}) or {}
        if document.get("sha256") != self._hashes[media]:
            raise NotEquivalent(f"media {media} has no document of its bytes")
        return Outcome(rows, document["tracks"], self._object(media))

    def _object(self, media: UUID) -> tuple[str | None, ...]:
        url = f"{self._environment['CDN_BASE_URL']}/videos/{media}.mp4"
        answer = httpx.get(url, trust_env=False).raise_for_status()
        if hashlib.sha256(answer.content).hexdigest() != self._hashes[media]:
            raise NotEquivalent(f"the object of media {media} has other bytes")
        sha256 = answer.headers.get("x-amz-meta-sha256")
        return (*map(answer.headers.get, self._HEADERS[:2]), str(bool(sha256)))

    def _stage(self, name: UUID, clip: bytes) -> dict[str, Any]:
        """A box that players skip, behind the clip, makes the bytes its own."""
        content = clip + (24).to_bytes(4, "big") + b"free" + os.urandom(16)
        (self._staging / str(name)).write_bytes(content)
        self._hashes[name] = hashlib.sha256(content).hexdigest()
        return {
            "uuid": name,
            "sha256": self._hashes[name],
            "size": len(content),
        }

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        return psycopg.connect(self._environment["DATABASE_URL"], autocommit=True)

    @staticmethod
    def _value(
        connection: "psycopg.Connection[tuple[Any, ...]]", statement: str, value: Any
    ) -> tuple[Any, ...]:
        """Raises `NotEquivalent` when there is no such row."""
        found = connection.execute(statement.encode(), [value]).fetchone()
        if found is None:
            raise NotEquivalent(f"not all rows of {value} are there")
        return found
