"""What a fuzz run must not have left behind."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Origin
from tests.e2e.faults import until
from tests.folders import Looked
from tests.fuzz.refused import RefusedRequests


class Aftermath:
    """Compares what is stored with what was accepted, once all jobs have ended."""

    QUIET_SECONDS = 240.0
    REMOVED_SECONDS = 10.0
    OPEN_JOBS = "SELECT FROM job WHERE status IN ('queued', 'running')"
    OF_REFUSED = "SELECT uuid, kind, request_id FROM job WHERE request_id = ANY(%s)"
    UNUSED_BLOBS = """
        SELECT uuid FROM blob
        WHERE NOT EXISTS (SELECT FROM media WHERE media.video_id = blob.uuid)
        AND NOT EXISTS (SELECT FROM miniature WHERE miniature.blob_id = blob.uuid)
    """
    OBJECTS = "SELECT object_key FROM blob WHERE state = 'stored'"

    COUNTS = """
        SELECT (SELECT count(*) FROM media), (SELECT count(*) FROM blob),
        (SELECT count(*) FROM job), (SELECT count(*) FROM "user")
    """

    def __init__(self, stack: EmbeddedStack, refused: RefusedRequests) -> None:
        self._stack = stack
        self._refused = refused
        self._environment = stack.servers.environment()

    def complaints(self) -> list[str]:
        """Sentences about what is wrong; none is good."""
        url = self._environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True) as database:
            until(
                lambda: not self._rows(database, self.OPEN_JOBS),
                self.QUIET_SECONDS,
                "all jobs have ended",
            )
            return [
                *self._of_rows(database),
                *self._of_files(database),
                *self._of_log(),
            ]

    def counts(self) -> str:
        """What there is now, for whoever reads the output."""
        with psycopg.connect(self._environment["DATABASE_URL"]) as database:
            media, blobs, jobs, users = self._rows(database, self.COUNTS)[0]
        return (
            f"{len(self._refused.all())} refused requests; {media} media and tombstones, "
            f"{blobs} blobs, {jobs} jobs, {users} users are stored"
        )

    def _of_rows(self, database: psycopg.Connection[Any]) -> Iterator[str]:
        for row in self._rows(database, self.OF_REFUSED, [self._refused.all()]):
            yield f"A refused request has opened a job: {row}"
        for row in self._rows(database, self.UNUSED_BLOBS):
            yield f"No media has the blob {row[0]}"

    def _of_files(self, database: psycopg.Connection[Any]) -> Iterator[str]:
        if left := self._left_in_staging():
            yield f"Files are left in staging: {sorted(left)[:10]}"
        known = {key for (key,) in self._rows(database, self.OBJECTS)}
        stored = Origin(self._environment).keys("")
        if stored != known:
            yield f"Objects without a blob or the reverse: {sorted(stored ^ known)[:10]}"

    def _left_in_staging(self) -> set[str]:
        """The worker removes files after the commit that ends the job on them."""
        deadline = time.monotonic() + self.REMOVED_SECONDS
        while left := Looked.names(self._stack.data.staging):
            if time.monotonic() > deadline:
                return left
            time.sleep(0.1)
        return set()

    def _of_log(self) -> Iterator[str]:
        """What the API itself did not foresee."""
        for line in self._stack.data.log_file("api").read_text().splitlines():
            if any(
                word in line for word in ("request.failed", "Traceback", "broken_off")
            ):
                yield f"The API has logged: {line}"

    @staticmethod
    def _rows(
        database: psycopg.Connection[Any], query: str, values: list[Any] | None = None
    ) -> list[Any]:
        return database.execute(query, values).fetchall()  # type: ignore[arg-type]
