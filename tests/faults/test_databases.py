"""PostgreSQL and MongoDB go away, answer late or forget."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import Videos
from tests.faults.harness import FaultStack
from tests.faults.oracle import Taken
from tests.faults.uploads import Uploads

READ = "extract_metadata"


class TestUnknownCommit:
    def test_a_commit_nobody_heard_of_is_told_as_such_and_the_next_try_is_answered(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.new()
        stack.proxy("postgres").lose_reply(containing=b'INSERT INTO "media"')
        answer = uploads.client.upload(video)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        uploads.send(video)
        stack.oracle.until_content(uploads.taken)


@pytest.mark.faults
class TestPostgres:
    # More than the API has connections, for so long.
    CLIENTS, HELD_SECONDS = 16, 60.0
    PATIENCE_SECONDS = 6.0

    def test_f17_restarted_under_uploads_and_jobs(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        uploads.several(5)
        clips = [videos.new() for _ in range(20)]
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(self._send, uploads.client, clip) for clip in clips]
            until(lambda: sum(one.done() for one in sent) >= 5, 20.0, "five are sent")
            worker = stack.pid("worker")
            stack.kill_and_wait("postgres")
            answers = [one.result() for one in sent]
        for clip, answer in zip(clips, answers, strict=True):
            if answer.is_success:
                uploads.taken.append(Taken.of(answer, clip))
            else:
                assert answer.status_code == 503, answer.text
        stack.oracle.until_content(uploads.taken)
        assert stack.pid("worker") == worker

    @pytest.mark.timeout(600)
    def test_f18_no_connection_to_be_had(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        api, video = stack.pid("api"), videos.new()
        with self._tables_locked(stack), ThreadPoolExecutor(self.CLIENTS) as pool:
            over = time.monotonic() + self.HELD_SECONDS
            asking = [
                pool.submit(self._insist, uploads.client, video, over)
                for _ in range(self.CLIENTS)
            ]
            answers = [answer for each in asking for answer in each.result()]
        told = {(one.status_code, "Retry-After" in one.headers) for one in answers}
        assert told == {(503, True)}
        slowest = max(answer.elapsed.total_seconds() for answer in answers)
        print(f"{len(answers)} answers, the last after {slowest:.1f} s")  # noqa: T201
        assert slowest < self.PATIENCE_SECONDS
        uploads.one()
        stack.oracle.until_content(uploads.taken)
        assert stack.pid("api") == api

    @staticmethod
    def _insist(client: Client, video: Path, over: float) -> list[httpx.Response]:
        answers = []
        while time.monotonic() < over:
            answers.append(client.upload(video))
        return answers

    @staticmethod
    @contextmanager
    def _tables_locked(stack: FaultStack) -> Iterator[None]:
        with stack.stores.postgres() as connection:
            connection.execute("LOCK TABLE media, blob, job")
            yield
            connection.rollback()

    @staticmethod
    def _send(client: Client, video: Path) -> httpx.Response:
        return client.upload(video)


@pytest.mark.faults
class TestMongo:
    def test_f20_away_during_extraction(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        stack.proxy("mongo").refuse()
        taken = uploads.one()
        assert uploads.until_failed_once(taken, READ) == "document_store_away"
        stored = lambda: (  # noqa: E731
            uploads.job(taken, "upload_to_cdn")["status"] == "succeeded"
        )
        until(stored, 10.0, "the object is stored")
        stack.proxy("mongo").heal()
        stack.oracle.until_content(uploads.taken)
        assert ("succeeded", None) in uploads.attempts(taken, READ)

    def test_a_silent_one_is_waited_for(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        stack.proxy("mongo").black_hole()
        taken = uploads.one()
        assert uploads.until_failed_once(taken, READ) == "document_store_away"
        stack.proxy("mongo").heal()
        stack.oracle.until_content(uploads.taken)

    def test_f21_a_document_that_is_gone_is_extracted_again(
        self, stack: FaultStack, uploads: Uploads, operator: Client
    ) -> None:
        taken = uploads.one()
        stack.oracle.until_content(uploads.taken)
        with stack.stores.documents() as documents:
            assert documents.delete_one({"sha256": taken.sha256}).deleted_count == 1
        took = stack.oracle.until_content(uploads.taken, 45.0)
        print(f"it is back after {took:.0f} s")  # noqa: T201
        found = operator.http.get(f"/media/{taken.uuid}/metadata/").json()
        assert found["sha256"] == taken.sha256
