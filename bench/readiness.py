"""How soon a media is ready after its upload was answered."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from bench.comparison import Pair, Result, Sample, Under, Work
from bench.ours import OurSystem
from bench.sender import Multipart, Sender
from bench.trial import Trial
from bench.video import MEBIBYTE, LargeVideo

SIZE_BYTES = 10 * MEBIBYTE
LOOK_SECONDS = 0.01
# So long nothing was to be done when the next comes: whoever waits, waits longest then.
IDLE_SECONDS = 2.0


class ReadyRow:
    """Looked at as a client does, again and again, in an otherwise idle system."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._video = LargeVideo(folder / "video.mp4", SIZE_BYTES)
        self._count = count
        self._work = Work(
            "201 to ready, 10 MiB video, idle system", "-", "s", Under(1, "s")
        )

    def run(self) -> Iterator[Result]:
        yield Trial.result(self._work, self._measured)

    def _measured(self) -> list[Pair]:
        try:
            self._video.make()
            with OurSystem.running(self._folder / "ours") as system:
                self._sample(system)
                return [Pair(self._sample(system)) for _ in range(self._count)]
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _sample(self, system: OurSystem) -> Sample:
        """Processor time is that of the worker and of all stores, for one media."""
        self._video.renew()
        time.sleep(IDLE_SECONDS)
        processes = system.processes("worker", "postgres", "mongo", "redis", "s3")
        used = processes.seconds()
        sender = Sender(f"{system.url}/media/", system.headers, Multipart())
        sent = sender.send(self._video.path)
        began = time.perf_counter()
        identity = json.loads(sent.body)["uuid"]
        system.until_ready(identity, LOOK_SECONDS)
        seconds = time.perf_counter() - began
        system.until_quiet(identity)
        return Sample(seconds, processes.seconds() - used)
