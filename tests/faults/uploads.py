"""What a user of a stack sends, and what he was promised for it."""

from pathlib import Path
from typing import Any

from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import Videos
from tests.faults.oracle import Taken

Attempts = list[tuple[str, str | None]]


class Uploads:
    """Sends videos that nobody has sent before; `taken` are all that were answered."""

    def __init__(self, client: Client, videos: Videos) -> None:
        self.client = client
        self.taken: list[Taken] = []
        self._videos = videos

    def one(self, size_bytes: int = 0) -> Taken:
        return self.send(self._videos.new(size_bytes))

    def several(self, count: int) -> list[Taken]:
        return [self.one() for _ in range(count)]

    def send(self, video: Path) -> Taken:
        answer = self.client.upload(video)
        assert answer.status_code == 201, answer.text
        self.taken.append(Taken.of(answer, video))
        return self.taken[-1]

    def is_taken(self) -> bool:
        """Whether a new one was; a refusal has to be one that clients understand."""
        video = self._videos.new()
        answer = self.client.upload(video)
        if answer.is_success:
            self.taken.append(Taken.of(answer, video))
            return True
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        return False

    def job(self, taken: Taken, kind: str) -> dict[str, Any]:
        answer = self.client.http.get(f"/media/{taken.uuid}/jobs/")
        assert answer.status_code == 200, answer.text
        return next(job for job in answer.json()["items"] if job["kind"] == kind)

    def attempts(self, taken: Taken, kind: str) -> Attempts:
        """How each ended, and with which code."""
        attempts = self.job(taken, kind)["attempts"]
        return [(attempt["outcome"], attempt["code"]) for attempt in attempts]

    def until_failed_once(self, taken: Taken, kind: str, seconds: float = 45.0) -> str:
        """The code of its first attempt."""

        def has_ended() -> bool:
            attempts = self.attempts(taken, kind)
            return bool(attempts) and attempts[0][0] is not None

        until(has_ended, seconds, f"the first attempt of {kind} has ended")
        return str(self.attempts(taken, kind)[0][1])

    def until_running(self, taken: Taken, kind: str, seconds: float = 45.0) -> None:
        runs = lambda: self.job(taken, kind)["status"] == "running"  # noqa: E731
        until(runs, seconds, f"{kind} is running")

    def until_over(self, taken: Taken, kind: str, seconds: float = 120.0) -> str:
        """How the job has ended."""

        def is_over() -> bool:
            return self.job(taken, kind)["status"] in ("succeeded", "failed")

        until(is_over, seconds, f"{kind} is over")
        return str(self.job(taken, kind)["status"])

    def found(self, sha256: str) -> list[str]:
        """The uuids of the media with these bytes that a reader is shown."""
        listed = self.client.http.get("/media/", params={"sha256": sha256}).json()
        return [media["uuid"] for media in listed["items"]]
