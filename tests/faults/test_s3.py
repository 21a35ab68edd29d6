"""The object store refuses, forgets to answer or keeps silent."""

import time

import pytest

from tests.e2e.client import Client
from tests.e2e.faults import SERVERS, until
from tests.e2e.videos import MEBIBYTE, Videos
from tests.faults.harness import FaultStack
from tests.faults.http_proxy import Asks
from tests.faults.uploads import Uploads

PUT, PICTURE = "upload_to_cdn", "make_miniature"
# More than one request to the object store.
IN_PARTS = 17 * MEBIBYTE


class TestWrongAnswers:
    def test_f25_slow_down_is_tried_again(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        slow = stack.s3.answer(503, "SlowDown", Asks.put, times=2)
        uploads.one()
        stack.oracle.until_content(uploads.taken)
        assert slow.happened == 2

    def test_f27_an_error_in_a_200_is_no_success(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        wrong = stack.s3.answer(200, "InternalError", Asks.complete, times=1)
        uploads.one(IN_PARTS)
        stack.oracle.until_content(uploads.taken)
        assert wrong.happened == 1

    @pytest.mark.parametrize("when", [Asks.put, Asks.complete])
    def test_what_was_done_and_not_answered_is_not_done_twice(
        self, stack: FaultStack, uploads: Uploads, when: object
    ) -> None:
        lost = stack.s3.lose_answer(when)  # type: ignore[arg-type]
        uploads.one(IN_PARTS if when is Asks.complete else 0)
        stack.oracle.until_content(uploads.taken)
        assert lost.happened == 1


@pytest.mark.faults
class TestLongTrouble:
    def test_f25_a_third_of_all_calls_fail(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        trouble = stack.s3.answer(503, "SlowDown", share=0.3)
        uploads.several(20)
        uploads.one(IN_PARTS)
        stack.oracle.until_content(uploads.taken, 120.0)
        assert trouble.happened > 10

    def test_f29_credentials_that_were_revoked(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        stack.s3.answer(403, "InvalidAccessKeyId")
        taken = uploads.one()
        media = uploads.client.until_done(taken.uuid, 120.0)
        assert media["status"] == "failed"
        assert media["failure"]["code"] == "object_store_denied"
        assert len(uploads.attempts(taken, PUT)) == 5

        stack.s3.heal()
        # Its picture may have been refused as well.
        for kind in (PUT, PICTURE):
            if uploads.until_over(taken, kind) == "failed":
                again = uploads.client.http.post(
                    f"/media/{taken.uuid}/jobs/", json={"kind": kind}
                )
                assert again.status_code == 202, again.text
        stack.oracle.until_content(uploads.taken)

    def test_f30_a_black_hole_swallows_neither_threads_nor_other_queues(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        stack.proxy("s3").black_hole()
        taken = uploads.several(50)
        stack.until_row(
            "SELECT 1 FROM job WHERE kind = 'extract_metadata' AND queued_at >= "
            "(SELECT created_at FROM media WHERE uuid = %s) "
            "HAVING count(*) FILTER (WHERE status = 'succeeded') >= 50",
            taken[0].uuid,
            seconds=60.0,
        )
        assert uploads.until_failed_once(taken[0], PUT, 150.0) == "object_store_away"
        stack.proxy("s3").heal()
        stack.oracle.until_content(uploads.taken, 90.0)

    def test_a_line_that_breaks_again_and_again(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        stack.proxy("s3").cut_after(8 * MEBIBYTE)
        taken = uploads.one(IN_PARTS)
        assert uploads.until_failed_once(taken, PUT) == "object_store_away"
        stack.proxy("s3").heal()
        stack.oracle.until_content(uploads.taken)


class Bucket:
    """The bucket in the hands of somebody who does not know what he does."""

    def __init__(self, stack: FaultStack) -> None:
        self._stores = stack.stores

    def key(self, uuid: str) -> str:
        (row,) = self._stores.rows(
            "SELECT object_key FROM blob JOIN media ON video_id = blob.uuid "
            "WHERE media.uuid = %s",
            uuid,
        )
        return str(row["object_key"])

    def delete(self, uuid: str) -> str:
        """Delete the object of a media; answers its key."""
        with self._stores.s3() as s3:
            s3.delete_object(Bucket=self._stores.bucket, Key=self.key(uuid))
        return self.key(uuid)


@pytest.mark.faults
class TestLostObject:
    """F36: deleted from the bucket by hand."""

    def test_the_same_file_again_brings_it_back(
        self, stack: FaultStack, operator: Client, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.new()
        taken = uploads.send(video)
        stack.oracle.until_content(uploads.taken)
        with stack.stopped("worker"):
            Bucket(stack).delete(taken.uuid)
            again = operator.upload(video)
        body = again.json()
        assert (again.status_code, body["uuid"]) == (200, taken.uuid)
        assert body["healed"] is True
        stack.oracle.until_content(uploads.taken)

    def test_reconcile_finds_it_and_the_media_says_what_to_do(
        self, stack: FaultStack, operator: Client, uploads: Uploads, videos: Videos
    ) -> None:
        video = videos.new()
        taken = uploads.send(video)
        stack.oracle.until_content(uploads.taken)
        with stack.stopped("worker"):
            key = Bucket(stack).delete(taken.uuid)
            assert key in stack.manage("reconcile", exit_code=1)
            stack.manage("reconcile", "--apply")
        failed = lambda: operator.media(taken.uuid)["status"] == "failed"  # noqa: E731
        until(failed, 30.0, "its bytes are lost")
        assert operator.media(taken.uuid)["failure"]["code"] == "object_missing"

        again = operator.upload(video).json()
        assert (again["uuid"], again["healed"]) == (taken.uuid, True)
        stack.oracle.until_content(uploads.taken)


@pytest.mark.faults
class TestBadLines:
    SECONDS = 30.0

    def test_f54_slow_lines_that_break(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        self._endure(stack, uploads, self.SECONDS)

    @pytest.mark.long
    @pytest.mark.timeout(1_200)
    def test_f54_for_ten_minutes(self, stack: FaultStack, uploads: Uploads) -> None:
        self._endure(stack, uploads, 600.0)

    @staticmethod
    def _endure(stack: FaultStack, uploads: Uploads, seconds: float) -> None:
        for name in SERVERS:
            stack.proxy(name).latency(0.03)
            stack.proxy(name).reset_some(0.002)
        ends = time.monotonic() + seconds
        refused = 0
        while time.monotonic() < ends:
            refused += not uploads.is_taken()
        stack.heal()
        print(f"{len(uploads.taken)} taken, {refused} refused")  # noqa: T201
        assert len(uploads.taken) > refused
        stack.oracle.until_content(uploads.taken, 90.0)
