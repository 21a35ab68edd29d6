"""How fast a large video is taken, beside a peer.

One client sends the same file to both in turn, every time with other bytes, and looks
whether exactly these were taken. Ours also recognises the container and writes blob,
media and jobs to PostgreSQL.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.comparison import Goal, Pair, Result, Sample, Work
from bench.contenders import Contender, OurUploads, UploadPeer
from bench.processes import Processes
from bench.trial import Interleaving, NotEquivalent, Trial
from bench.video import MEBIBYTE, LargeVideo


class UploadRun:
    """Sends one video to one contender."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._processes = Processes([contender.pid])

    def run(self, video: LargeVideo) -> Sample:
        """Processor time is that of the contender's process.

        Raises `RuntimeError` if it refuses, and `NotEquivalent` if it has other bytes.
        """
        sha256 = video.renew()
        began = self._processes.seconds()
        sent = self._contender.sender.send(video.path)
        used = self._processes.seconds() - began
        if self._contender.taken(sent) != sha256:
            raise NotEquivalent(f"{self._contender.name} has taken other bytes")
        mebibytes = video.size_bytes / MEBIBYTE
        return Sample(mebibytes / sent.seconds, used / mebibytes)


class UploadRow:
    """A large video beside one peer, with the same fsync."""

    WARM_UP_BYTES = 16 * MEBIBYTE

    def __init__(
        self,
        folder: Path,
        video: LargeVideo,
        pairs: int,
        peer: UploadPeer,
        fsync: bool,
        goal: Goal,
    ) -> None:
        self._folder = folder
        self._video = video
        self._interleaving = Interleaving(pairs)
        self._peer = peer
        self._fsync = fsync
        said = "same fsync" if fsync else "no fsync"
        name = f"POST {video.size_bytes // MEBIBYTE} MiB video, hash stored, {said}"
        self._work = Work(name, peer.name, "MiB/s", goal)

    def run(self) -> Iterator[Result]:
        yield Trial.result(self._work, self._pairs)

    def _pairs(self) -> list[Pair]:
        try:
            with ExitStack() as running:
                self._video.make()
                ours = running.enter_context(
                    OurUploads.running(self._folder / "ours", self._fsync)
                )
                peer = running.enter_context(
                    self._peer.running(self._folder / "peer", self._fsync)
                )
                return self._measured(UploadRun(ours), UploadRun(peer))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _measured(self, ours: UploadRun, theirs: UploadRun) -> list[Pair]:
        short = LargeVideo(self._folder / "short.mp4", self.WARM_UP_BYTES)
        short.make()
        for contender in (ours, theirs):
            contender.run(short)
        return self._interleaving.run(
            partial(ours.run, self._video), partial(theirs.run, self._video)
        )
