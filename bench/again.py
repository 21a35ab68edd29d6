"""The same bytes again, beside the first upload of them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from bench.comparison import AtLeastTimes, Pair, Result, Sample, Work
from bench.ours import OurSystem
from bench.processes import Processes, Traffic
from bench.sender import Multipart, Sender
from bench.trial import FAILURES, NotEquivalent, Reason
from bench.video import MEBIBYTE, LargeVideo

# A store that is told nothing still talks to itself, and tidies up: 2 MB were seen.
SILENCE_BYTES = 8 * MEBIBYTE
CREATED, KNOWN = 201, 200


class Uploads:
    """Sends a video for the first time, and then again.

    Where it is `declared`, the client says the second time what it is going to send.
    """

    def __init__(self, system: OurSystem, video: LargeVideo, *, declared: bool) -> None:
        self._system = system
        self._video = video
        self._is_declared = declared
        self._api = Processes([system.pid("api")])
        self._store = Traffic(system.pid("s3"))
        self._sha256 = ""
        self._media: dict[str, object] = {}

    def first(self) -> Sample:
        """Done with when its jobs are, so that they do not disturb the next."""
        self._sha256 = self._video.renew()
        sample, answer = self._sent(CREATED, Multipart())
        self._media = answer
        self._system.until_quiet(str(answer["uuid"]))
        return sample

    def again(self) -> Sample:
        """Raises `NotEquivalent` if it is another media, or the store is sent bytes."""
        before = self._store.bytes()
        form = Multipart(self._sha256 if self._is_declared else "")
        sample, answer = self._sent(KNOWN, form)
        moved = self._store.bytes() - before
        if answer["uuid"] != self._media["uuid"] or not answer["deduplicated"]:
            raise NotEquivalent("the same bytes made another media")
        if moved > SILENCE_BYTES:
            raise NotEquivalent(f"the store moved {moved} bytes for a duplicate")
        return sample

    def _sent(self, status: int, form: Multipart) -> tuple[Sample, dict[str, object]]:
        sender = Sender(f"{self._system.url}/media/", self._system.headers, form)
        began = self._api.seconds()
        sent = sender.send(self._video.path)
        used = self._api.seconds() - began
        if sent.status != status:
            raise NotEquivalent(f"answered {sent.status} {sent.body[:500]!r}")
        answer = json.loads(sent.body)
        if answer["sha256"] != self._sha256:
            raise NotEquivalent("other bytes were taken than were sent")
        mebibytes = self._video.size_bytes / MEBIBYTE
        return Sample(mebibytes / sent.seconds, used / mebibytes), answer


class SameBytesRows:
    """Without a word ahead all bytes are received and hashed both times; with a declared
    `sha256` the second time is answered before them."""

    WAYS: ClassVar = {"": False, ", declared": True}

    def __init__(self, folder: Path, upload_bytes: int, pairs: int) -> None:
        self._folder = folder
        self._video = LargeVideo(folder / "video.mp4", upload_bytes)
        self._pairs = pairs

    def run(self) -> Iterator[Result]:
        works = [self._work(name) for name in self.WAYS]
        try:
            measured = self._measured()
        except FAILURES as error:
            reason = Reason.of(error)
            for work in works:
                yield Result.failed(work, reason)
        else:
            yield from map(Result.of, works, measured)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _work(self, name: str) -> Work:
        size = self._video.size_bytes // MEBIBYTE
        return Work(
            f"the same {size} MiB again{name}, without store traffic",
            "first upload of them",
            "MiB/s",
            AtLeastTimes(1.3),
        )

    def _measured(self) -> list[list[Pair]]:
        self._video.make()
        with OurSystem.running(self._folder / "ours") as system:
            return [
                self._pairs_of(Uploads(system, self._video, declared=declared))
                for declared in self.WAYS.values()
            ]

    def _pairs_of(self, uploads: Uploads) -> list[Pair]:
        """First, again, again, first, and so on."""
        uploads.first()
        pairs = []
        for number in range(self._pairs):
            repeated = uploads.again() if number % 2 else None
            first = uploads.first()
            pairs.append(Pair(repeated or uploads.again(), first))
        return pairs
