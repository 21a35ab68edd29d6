"""Users at work while something is wrong, and what they are answered."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import httpx

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import Videos

PROBLEM = "application/problem+json"
SLOWEST_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """One request and what came of it; `response` is None if nothing came."""

    what: str
    began: float
    ended: float
    response: httpx.Response | None
    error: str = ""

    @property
    def status(self) -> int:
        return self.response.status_code if self.response is not None else 0

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_polite(self) -> bool:
        """Good, or a 503 that a client understands; never slow."""
        return self.ended - self.began < SLOWEST_SECONDS and (
            self.is_good or self._is_told_to_wait
        )

    @property
    def _is_told_to_wait(self) -> bool:
        if self.response is None or self.status != 503:
            return False
        headers = self.response.headers
        return headers["Content-Type"] == PROBLEM and "Retry-After" in headers

    def __str__(self) -> str:
        text = self.response.text[:300] if self.response is not None else self.error
        return f"{self.what}: {self.status} in {self.ended - self.began:.2f} s: {text}"


class Traffic:
    """Each kind of request again and again, on a thread and a connection of its own."""

    PAUSE_SECONDS = 0.1
    UPLOAD_PAUSE_SECONDS = 0.4

    def __init__(self, stack: EmbeddedStack, videos: Videos) -> None:
        self._stack = stack
        self._videos = videos
        self._over = Event()
        self.answers: list[Answer] = []
        self._uuid = ""

    @contextmanager
    def flowing(self) -> Iterator["Traffic"]:
        """While the block runs; every request has been answered when it ends."""
        self._prepare()
        threads = [Thread(target=self._repeat, args=[what]) for what in self.kinds]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    @property
    def kinds(self) -> dict[str, Callable[[Client], httpx.Response]]:
        media = f"/media/{self._uuid}/"
        return {
            "upload": lambda client: client.upload(self._videos.new()),
            "list": lambda client: client.http.get("/media/"),
            "detail": lambda client: client.http.get(media),
            "jobs": lambda client: client.http.get(f"{media}jobs/"),
            "metadata": lambda client: client.http.get(f"{media}metadata/"),
            "signin": lambda client: client.sign_in("viewer"),
        }

    def since(self, moment: float) -> list[Answer]:
        """What was asked after the moment and has been answered."""
        return [answer for answer in list(self.answers) if answer.began >= moment]

    def until_each(self, good: bool | None, times: int, seconds: float) -> float:
        """Until each kind has been asked from now on and answered so many times."""
        moment = time.monotonic()

        def seen() -> bool:
            answers = [a for a in self.since(moment) if good in (None, a.is_good)]
            counts = [sum(a.what == kind for a in answers) for kind in self.kinds]
            return min(counts) >= times

        return until(seen, seconds, f"every kind of request is answered (good: {good})")

    def uploaded(self) -> list[str]:
        """The media of all uploads that were answered well."""
        return [
            answer.response.json()["uuid"]
            for answer in self.answers
            if answer.what == "upload" and answer.is_good and answer.response
        ]

    def _prepare(self) -> None:
        with Client(self._stack).signed_in("media_operator") as client:
            self._uuid = client.upload(self._videos.new()).json()["uuid"]
            assert client.until_done(self._uuid)["status"] == "ready"

    def _repeat(self, what: str) -> None:
        ask = self.kinds[what]
        pause = self.UPLOAD_PAUSE_SECONDS if what == "upload" else self.PAUSE_SECONDS
        with Client(self._stack).signed_in("media_operator") as client:
            while not self._over.wait(pause):
                self.answers.append(self._asked(what, ask, client))

    @staticmethod
    def _asked(
        what: str, ask: Callable[[Client], httpx.Response], client: Client
    ) -> Answer:
        began = time.monotonic()
        response: Any = None
        error = ""
        try:
            response = ask(client)
        except httpx.HTTPError as raised:
            error = repr(raised)
        return Answer(what, began, time.monotonic(), response, error)


class Aftermath:
    """What must be true once everything is back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def until_ready(self, uuids: Sequence[str], seconds: float) -> float:
        """Until every media is ready; fails for one that ends otherwise."""
        began = time.monotonic()
        for uuid in uuids:
            left = began + seconds - time.monotonic()
            media = self._client.until_done(uuid, max(left, 0.1))
            assert media["status"] == "ready", media
        return time.monotonic() - began
