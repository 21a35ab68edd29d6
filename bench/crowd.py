"""What four large uploads at once do to everybody else, and to the memory."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.comparison import AtMost, AtMostMore, Pair, Result, Sample, Work
from bench.contenders import OurUploads
from bench.measures import Pings
from bench.processes import Memory
from bench.sender import Sent
from bench.trial import FAILURES, NotEquivalent, Reason
from bench.video import MEBIBYTE, LargeVideo

UPLOADS = 4
IDLE_SECONDS = 2.0


class Crowd:
    """So many videos that are sent to one API at once."""

    def __init__(self, api: OurUploads, videos: list[LargeVideo]) -> None:
        self._api = api
        self._videos = videos
        self._memory = Memory(api.pid)
        # Of an API that nobody has sent a byte: what stays after the first uploads counts.
        self._idle_mebibytes = self._memory.now_mebibytes()

    def idle(self) -> Sample:
        """Pings while nothing else is asked, the slowest of a hundred in milliseconds."""
        with Pings(self._api.url) as pings:
            time.sleep(IDLE_SECONDS)
        return Sample(pings.percentile(99))

    def busy(self) -> tuple[Sample, Sample]:
        """The same during the uploads, and what each of these took in MiB of memory.

        Raises `RuntimeError` if one is refused, and `NotEquivalent` if its bytes were
        not taken.
        """
        wanted = {video.renew() for video in self._videos}
        self._memory.forget_peak()
        with (
            ThreadPoolExecutor(len(self._videos)) as senders,
            Pings(self._api.url) as pings,
        ):
            sent = list(senders.map(self._send, self._videos))
        grown = self._memory.peak_mebibytes() - self._idle_mebibytes
        if {self._api.taken(answer) for answer in sent} != wanted:
            raise NotEquivalent("other bytes were taken than were sent")
        return Sample(pings.percentile(99)), Sample(grown / len(self._videos))

    def _send(self, video: LargeVideo) -> Sent:
        return self._api.sender.send(video.path)


class CrowdRow:
    """Pings during uploads beside pings alone, and the memory of each upload."""

    def __init__(self, folder: Path, upload_bytes: int, pairs: int) -> None:
        self._folder = folder
        self._size_bytes = upload_bytes
        self._pairs = pairs
        many = f"{UPLOADS} uploads of {upload_bytes // MEBIBYTE} MiB"
        self._ping = Work(
            f"p99 of /ping/ while {many} run",
            "p99 while nothing else is asked",
            "ms",
            AtMostMore(20, "ms"),
        )
        self._memory = Work(
            f"peak memory of the API process for each of {many}",
            "-",
            "MiB",
            AtMost(16, "MiB"),
        )

    def run(self) -> Iterator[Result]:
        try:
            pings, memory = self._measured()
        except FAILURES as error:
            reason = Reason.of(error)
            for work in (self._ping, self._memory):
                yield Result.failed(work, reason)
        else:
            yield Result.of(self._ping, pings)
            yield Result.of(self._memory, memory)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _measured(self) -> tuple[list[Pair], list[Pair]]:
        videos = [
            LargeVideo(self._folder / f"{number}.mp4", self._size_bytes)
            for number in range(UPLOADS)
        ]
        for video in videos:
            video.make()
        pings: list[Pair] = []
        memory: list[Pair] = []
        with OurUploads.running(self._folder / "ours", fsync=True) as api:
            crowd = Crowd(api, videos)
            crowd.busy()  # What is loaded on first need is there after it.
            for number in range(self._pairs):
                first = crowd.idle() if number % 2 else None
                busy, grown = crowd.busy()
                pings.append(Pair(busy, first or crowd.idle()))
                memory.append(Pair(grown))
        return pings, memory
