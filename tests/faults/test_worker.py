"""Workers die, freeze or are told to stop in the middle of their work."""

import os
import signal
from collections.abc import Callable

import psutil
import pytest

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import MEBIBYTE, Videos
from tests.faults.harness import BACK_SECONDS, FaultStack
from tests.faults.http_proxy import Asks, Request
from tests.faults.oracle import Taken
from tests.faults.uploads import Uploads

pytestmark = pytest.mark.faults

PUT, READ = "upload_to_cdn", "extract_metadata"
GIBIBYTE = 1024 * MEBIBYTE
# Of the bytes of a large upload, an attempt after the first sends no more again.
MOST_SENT_AGAIN = 0.2


class LargePut:
    """A large video on its way into the object store."""

    def __init__(
        self, stack: FaultStack, uploads: Uploads, videos: Videos, size_bytes: int
    ) -> None:
        self._stack = stack
        self._size = size_bytes
        self._before = self._sent()
        # Noise, whose parts could not take each other's places unseen.
        self.taken = uploads.send(videos.noise(size_bytes))

    def until_sent(self, share: float) -> None:
        enough = self._before + share * self._size
        until(lambda: self._sent() >= enough, 60.0, f"{share:.0%} of it are sent")

    def sent_again(self) -> float:
        """How much of it was sent more than once."""
        return (self._sent() - self._before) / self._size - 1

    def _sent(self) -> int:
        return self._stack.s3.sent_bytes(Asks.part)


class TestLargePut:
    def test_f1_killed_in_the_middle_of_a_gibibyte(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        put = LargePut(stack, uploads, videos, GIBIBYTE)
        put.until_sent(0.5)
        stack.kill_and_wait("worker")
        took = stack.oracle.until_content(uploads.taken, 90.0)
        again = put.sent_again()
        print(f"ready after {took:.0f} s, {again:.0%} sent again")  # noqa: T201
        assert uploads.attempts(put.taken, PUT) == [
            ("lost", "lease_lost"),
            ("succeeded", None),
        ]
        assert again < MOST_SENT_AGAIN

    @pytest.mark.parametrize(
        "ask", [FaultStack.ask_to_end, FaultStack.ask_all_to_end], ids=["fleet", "all"]
    )
    def test_f4_told_to_stop_in_the_middle(
        self,
        stack: FaultStack,
        uploads: Uploads,
        videos: Videos,
        ask: Callable[[FaultStack, str], int],
    ) -> None:
        put = LargePut(stack, uploads, videos, 512 * MEBIBYTE)
        put.until_sent(0.5)
        old = ask(stack, "worker")
        stack.until_gone(old, 20.0)
        stack.until_back("worker", old, BACK_SECONDS)
        stack.oracle.until_content(uploads.taken, 90.0)
        outcomes = [outcome for outcome, _ in uploads.attempts(put.taken, PUT)]
        assert outcomes == ["interrupted", "succeeded"]
        assert put.sent_again() < MOST_SENT_AGAIN


class TestFleet:
    def test_f2_any_child_may_die(self, stack: FaultStack, uploads: Uploads) -> None:
        for child in self._family(stack):
            if child.is_running():
                child.kill()
        uploads.one()
        stack.oracle.until_content(uploads.taken)

    def test_f3_the_master_alone_dies(
        self, stack: FaultStack, uploads: Uploads
    ) -> None:
        old = stack.pid("worker")
        family, members = self._family(stack), self._members(stack)
        uploads.several(3)
        os.kill(old, signal.SIGKILL)
        gone = lambda: not any(one.is_running() for one in family)  # noqa: E731
        until(gone, 15.0, "its children are ended")
        stack.until_back("worker", old, BACK_SECONDS)
        stack.oracle.until_content(uploads.taken)
        assert self._members(stack) == members

    def test_f5_a_frozen_worker_comes_too_late(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        put = LargePut(stack, uploads, videos, 256 * MEBIBYTE)
        put.until_sent(0.1)
        with stack.second_worker():
            with stack.frozen("worker"):
                ready = uploads.client.until_done(put.taken.uuid, 60.0)
                assert ready["status"] == "ready"
            stack.oracle.until_content(uploads.taken)
        assert uploads.attempts(put.taken, PUT) == [
            ("lost", "lease_lost"),
            ("succeeded", None),
        ]

    def test_f51_a_file_that_kills_every_worker_ends_failed_and_the_rest_goes_on(
        self, stack: FaultStack, operator: Client, uploads: Uploads, videos: Videos
    ) -> None:
        with stack.stopped("worker"):
            video = videos.new()
            answer = operator.upload(video)
            killer = Taken.of(answer, video, may_fail=["crash_loop"])
            stack.die_at("extract.reading", killer.uuid, always=True)
            uploads.several(2)
        media = operator.until_done(killer.uuid, 180.0)
        assert (media["status"], media["failure"]["code"]) == ("failed", "crash_loop")
        stack.oracle.until_content([killer, *uploads.taken])

    @staticmethod
    def _members(stack: FaultStack) -> int:
        """Without those that members start when a file needs them."""
        return len(psutil.Process(stack.pid("worker")).children())

    @staticmethod
    def _family(stack: FaultStack) -> list[psutil.Process]:
        return psutil.Process(stack.pid("worker")).children(recursive=True)


class TestDyingBetweenTwoSteps:
    POINTS = (
        "job.claimed",
        "publish.stored",
        "extract.reading",
        "extract.saved",
        "picture.begun",
        "picture.stored",
    )

    @pytest.mark.parametrize("point", POINTS)
    def test_at(self, stack: FaultStack, uploads: Uploads, point: str) -> None:
        stack.die_at(point)
        uploads.one()
        stack.until_died_at(point)
        stack.oracle.until_content(uploads.taken)


class Parts:
    """A video of three parts on its way into the object store, and what was asked for it."""

    SIZE = 33 * MEBIBYTE

    def __init__(self, stack: FaultStack, uploads: Uploads, videos: Videos) -> None:
        self._proxy = stack.s3
        self._before = len(stack.s3.requests)
        self.taken = uploads.send(videos.noise(self.SIZE))

    @property
    def begun(self) -> int:
        return len([request for request in self._asked if Asks.begin(request)])

    @property
    def sent(self) -> list[str]:
        """The numbers of the parts."""
        parts = [request for request in self._asked if Asks.part(request)]
        return [request.query["partNumber"] for request in parts]

    @property
    def _asked(self) -> list[Request]:
        return self._proxy.requests[self._before :]


class TestDyingBetweenTwoParts:
    """The oracle sees an upload that the store holds unfinished in the end."""

    DIED_ONCE = [("lost", "lease_lost"), ("succeeded", None)]

    def test_an_upload_that_was_never_noted_is_begun_anew(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        stack.die_at("upload.begun")
        parts = Parts(stack, uploads, videos)
        stack.until_died_at("upload.begun")
        stack.oracle.until_content(uploads.taken)
        assert uploads.attempts(parts.taken, PUT) == self.DIED_ONCE
        assert (parts.begun, parts.sent) == (2, ["1", "2", "3"])

    def test_a_part_that_was_never_noted_is_sent_again_and_no_other(
        self, stack: FaultStack, uploads: Uploads, videos: Videos
    ) -> None:
        stack.die_at("upload.part_sent", 2)
        parts = Parts(stack, uploads, videos)
        stack.until_died_at("upload.part_sent@2")
        stack.oracle.until_content(uploads.taken)
        assert uploads.attempts(parts.taken, PUT) == self.DIED_ONCE
        assert (parts.begun, parts.sent) == (1, ["1", "2", "2", "3"])
