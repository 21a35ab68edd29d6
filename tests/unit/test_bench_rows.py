import hashlib
import json
import os
import signal
import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest

from bench.comparison import AtLeastTimes, Pair, Sample, Work
from bench.contenders import FastApiContender, TusContender
from bench.processes import LivingThreads
from bench.sender import Sent
from bench.server import Ending, Server
from bench.trial import Interleaving, NotEquivalent, Trial
from bench.upload import UploadRun
from bench.video import LargeVideo

WORK = Work("POST", "tus", "MiB/s", AtLeastTimes(1.2))


class Disk:
    """A contender that keeps what it is sent, or says that it did."""

    name = "a disk"
    pid = os.getpid()

    def __init__(self, loses: int = 0) -> None:
        self._loses = loses
        self._taken = b""
        self.sender = self

    def send(self, video: Path) -> Sent:
        content = video.read_bytes()
        self._taken = content[: len(content) - self._loses]
        return Sent(0.5, 201, {}, b"")

    def taken(self, sent: Sent) -> str:
        return hashlib.sha256(self._taken).hexdigest()


@pytest.fixture
def video(tmp_path: Path) -> LargeVideo:
    made = LargeVideo(tmp_path / "video.mp4", 1024 * 1024)
    made.make()
    return made


class TestUploadRun:
    def test_counts_mebibytes_in_a_second(self, video: LargeVideo) -> None:
        assert UploadRun(Disk()).run(video).figure == 2.0

    def test_lost_bytes_are_no_measurement(self, video: LargeVideo) -> None:
        with pytest.raises(NotEquivalent, match="a disk has taken other bytes"):
            UploadRun(Disk(loses=1)).run(video)

    def test_no_two_runs_have_the_same_bytes(self, video: LargeVideo) -> None:
        assert video.renew() != video.renew()


class TestTusContender:
    def test_is_asked_for_its_file_and_makes_room(self, tmp_path: Path) -> None:
        (tmp_path / "an-upload").write_bytes(b"a film")
        contender = TusContender(Server("http://127.0.0.1:1", 1), tmp_path)
        sent = Sent(1.0, 201, {"location": "/files/an-upload"}, b"")
        assert contender.taken(sent) == hashlib.sha256(b"a film").hexdigest()
        assert list(tmp_path.iterdir()) == []

    def test_refusal_is_no_measurement(self, tmp_path: Path) -> None:
        contender = TusContender(Server("http://127.0.0.1:1", 1), tmp_path)
        with pytest.raises(RuntimeError, match="answered 412"):
            contender.taken(Sent(1.0, 412, {}, b"Tus-Resumable Required"))


class TestFastApiContender:
    def test_its_file_is_read_whatever_it_claims(self, tmp_path: Path) -> None:
        path = tmp_path / "an-upload"
        contender = FastApiContender(Server("http://127.0.0.1:1", 1))
        for kept, is_whole in ((b"a film", True), (b"a fil", False)):
            path.write_bytes(kept)
            claimed = hashlib.sha256(b"a film").hexdigest()
            body = json.dumps({"sha256": claimed, "path": str(path)}).encode()
            with nullcontext() if is_whole else pytest.raises(NotEquivalent):
                assert contender.taken(Sent(1.0, 201, {}, body)) == claimed
            assert not path.exists()


class TestTrial:
    def test_different_doings_are_a_goal_that_is_not_met(self) -> None:
        def measure() -> list[Pair]:
            raise NotEquivalent("these are other bytes")

        result = Trial.result(WORK, measure)
        assert (result.met, result.note) == (
            False,
            "NotEquivalent: these are other bytes",
        )

    @pytest.mark.parametrize("error", [KeyError("uuid"), AssertionError(), OSError(28)])
    def test_whatever_fails_is_told_and_does_not_end_the_bench(
        self, error: Exception
    ) -> None:
        def measure() -> list[Pair]:
            raise error

        assert type(error).__name__ in Trial.result(WORK, measure).note

    def test_what_was_measured_is_judged(self) -> None:
        assert Trial.result(WORK, lambda: [Pair(Sample(6), Sample(5))]).met


class TestInterleaving:
    def test_changes_the_order_from_pair_to_pair(self) -> None:
        order = ""

        def run(name: str, figure: float) -> Sample:
            nonlocal order
            order += name
            return Sample(figure)

        pairs = Interleaving(4).run(lambda: run("A", 3), lambda: run("B", 1))
        assert order == "ABBAABBA"
        assert [pair.ratio for pair in pairs] == [3.0] * 4


class TestEnding:
    def test_process_that_does_not_listen_is_ended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Ending, "PATIENCE_SECONDS", 0.5)
        deaf = subprocess.Popen(
            ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"],
            stdout=subprocess.PIPE,
        )
        assert deaf.stdout
        assert deaf.stdout.readline() == b"deaf\n"
        Ending.of(deaf)
        assert deaf.returncode == -signal.SIGKILL
        deaf.stdout.close()


class TestLivingThreads:
    def test_sees_work_that_is_shorter_than_a_tick(self) -> None:
        threads = LivingThreads([os.getpid()])
        before = threads.seconds()
        sum(range(100_000))
        assert 0 < threads.seconds() - before < 5
