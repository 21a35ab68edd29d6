import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from backend.embedded.clip import Clip
from backend.embedded.console import Console
from backend.embedded.errors import EmbeddedError
from backend.embedded.run import DemoAccounts, Interrupted, RunningStack
from backend.embedded.stack import EmbeddedStack, Liveness


class DemoFailed(EmbeddedError):
    """The demonstration did not come to its end."""


class Sentence:
    """One sentence of parts that may be sentences themselves, or missing."""

    @staticmethod
    def of(start: str, *parts: object) -> str:
        said = [str(part).rstrip(". ") for part in parts if part]
        return f"{start}{'; '.join(said)}."


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The last line of `make demo`."""

    uuid: str
    status: str
    sha256: str
    deduplicated: bool
    verified: bool
    cdn_url: str | None
    miniature_url: str | None
    duration_seconds: float | None
    docs_url: str

    def line(self) -> str:
        return json.dumps(asdict(self))


class DemoClient:
    """What an operator does over HTTP; anything but the expected answer is one sentence."""

    TIMEOUT = httpx.Timeout(30.0, read=900.0, write=900.0)

    def __init__(
        self, address: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._client = httpx.Client(
            base_url=address, timeout=self.TIMEOUT, trust_env=False, transport=transport
        )

    def __enter__(self) -> "DemoClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def sign_in(self, email: str, password: str) -> None:
        tokens = self._call(
            "POST", "/auth/signin/", json={"email": email, "password": password}
        )
        self._client.headers["Authorization"] = f"Bearer {tokens['access']}"

    def upload(self, video: Path) -> dict[str, Any]:
        with video.open("rb") as file:
            return self._call(
                "POST",
                "/media/",
                data={"title": video.stem},
                files={"video": (video.name, file)},
            )

    def media(self, uuid: str) -> dict[str, Any]:
        return self._call("GET", f"/media/{uuid}/")

    def jobs(self, uuid: str) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self._call("GET", f"/media/{uuid}/jobs/")["items"]
        return jobs

    def sha256_of(self, url: str) -> str:
        """The hash of the bytes at that address, fetched without signing in."""
        digest = hashlib.sha256()
        for part in self._download(url, "the video"):
            digest.update(part)
        return digest.hexdigest()

    def picture(self, url: str) -> bytes:
        """What anybody gets from the address of a miniature."""
        return b"".join(self._download(url, "the miniature"))

    def _download(self, url: str, what: str) -> Iterator[bytes]:
        with (
            self._explained(f"GET {url}"),
            httpx.stream(
                "GET", url, timeout=self.TIMEOUT, trust_env=False, follow_redirects=True
            ) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise DemoFailed(
                    f"{url} answered {answer.status_code} instead of {what}."
                )
            yield from answer.iter_bytes(1 << 20)

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        with self._explained(f"{method} {path}"):
            answer = self._client.request(method, path, **content)
        if not answer.is_success:
            raise DemoFailed(f"{method} {path} was refused: {self._problem(answer)}")
        body: dict[str, Any] = answer.json()
        return body

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise DemoFailed(Sentence.of(f"{what} got no answer: ", reason)) from error

    def _problem(self, answer: httpx.Response) -> str:
        try:
            problem = answer.json()
            said = [problem.get("title"), problem.get("detail")]
            said += [
                f"{wrong['field']}: {wrong['message']}"
                for wrong in problem.get("errors") or ()
            ]
        except (ValueError, AttributeError, KeyError, TypeError):
            said = [answer.reason_phrase]
        return Sentence.of(f"{answer.status_code} ", *said)


class Watch:
    """Follows a media until its work is done, and shows how far it is."""

    LOOK_SECONDS = 0.3
    STALLED_SECONDS = 120.0
    OPEN = ("queued", "running")

    def __init__(self, client: DemoClient, console: Console) -> None:
        self._client = client
        self._console = console

    def until_done(self, uuid: str) -> dict[str, Any]:
        """Give up only when nothing has moved for long."""
        seen, moved = "", time.monotonic()
        while True:
            media = self._client.media(uuid)
            state = self._state(media, self._client.jobs(uuid))
            self._console.progress(state)
            if self._is_done(media):
                return media
            if state != seen:
                seen, moved = state, time.monotonic()
            elif time.monotonic() - moved > self.STALLED_SECONDS:
                raise DemoFailed(
                    f"Nothing has moved for {self.STALLED_SECONDS:.0f} s: {state}."
                )
            time.sleep(self.LOOK_SECONDS)

    def _is_done(self, media: dict[str, Any]) -> bool:
        """A media is ready without its miniature, and gets it all the same."""
        miniature = (media.get("jobs") or {}).get("make_miniature")
        return media["status"] == "failed" or (
            media["status"] == "ready" and miniature not in self.OPEN
        )

    def _state(self, media: dict[str, Any], jobs: list[dict[str, Any]]) -> str:
        newest = {job["kind"]: job for job in reversed(jobs)}
        parts = (f"{kind} {self._job(job)}" for kind, job in sorted(newest.items()))
        return ", ".join([f"media {media['status']}", *parts])

    def _job(self, job: dict[str, Any]) -> str:
        return (
            f"{job['progress']}%" if job["status"] == "running" else str(job["status"])
        )


class Demonstration:
    """A video in, and out again: the flow against an API that is up."""

    JPEG = b"\xff\xd8\xff"

    def __init__(self, client: DemoClient, console: Console, docs_url: str) -> None:
        self._client = client
        self._console = console
        self._docs_url = docs_url

    def execute(self, account: dict[str, str], video: Path) -> DemoResult:
        size = video.stat().st_size
        self._console.say(
            f"Signing in as {account['email']} and sending {video} ({size:,} bytes)."
        )
        self._client.sign_in(account["email"], account["password"])
        received = self._client.upload(video)
        self._console.say(self._reception(received))
        media = Watch(self._client, self._console).until_done(received["uuid"])
        if media["status"] == "failed":
            self._console.say(self._failure(media))
        return self._result(received, media, video)

    def _result(
        self, received: dict[str, Any], media: dict[str, Any], video: Path
    ) -> DemoResult:
        urls = media.get("urls") or {}
        technical = media.get("technical") or {}
        return DemoResult(
            uuid=media["uuid"],
            status=media["status"],
            sha256=media["sha256"],
            deduplicated=bool(received.get("deduplicated")),
            verified=media["status"] == "ready"
            and self._is_same(video, media, urls.get("video"))
            and self._has_picture(urls.get("miniature")),
            cdn_url=urls.get("video"),
            miniature_url=urls.get("miniature"),
            duration_seconds=technical.get("duration"),
            docs_url=self._docs_url,
        )

    def _is_same(self, video: Path, media: dict[str, Any], url: str | None) -> bool:
        """Whether the CDN gives out the very bytes that were sent."""
        with video.open("rb") as file:
            sent = hashlib.file_digest(file, "sha256").hexdigest()
        same = (
            url is not None and self._client.sha256_of(url) == sent == media["sha256"]
        )
        self._console.say(
            f"What {url} gives out is {'the same' if same else 'NOT the same'} video."
        )
        return same

    def _has_picture(self, url: str | None) -> bool:
        """Whether the CDN gives out what is said to be there; not every video has one."""
        if url is None:
            self._console.say("No picture could be made of the video.")
            return True
        is_jpeg = self._client.picture(url).startswith(self.JPEG)
        self._console.say(
            f"What {url} gives out is {'its' if is_jpeg else 'NOT a'} picture."
        )
        return is_jpeg

    def _reception(self, media: dict[str, Any]) -> str:
        known = "was known already" if media.get("deduplicated") else "was received"
        return f"The video {known}: media {media['uuid']}."

    def _failure(self, media: dict[str, Any]) -> str:
        failure = media.get("failure") or {}
        title = failure.get("title") or "it failed"
        return Sentence.of("The media failed: ", title, failure.get("advice"))


class Demo:
    """`make demo`: on the stack of `make run` if that is up, else on one of its own."""

    LOOK_SECONDS = 0.2
    WAIT_SECONDS = 120.0

    def __init__(
        self, stack: EmbeddedStack, console: Console, video: Path | None
    ) -> None:
        self._stack = stack
        self._console = console
        self._video = video

    def execute(self) -> int:
        """Exit code 0 only if the video came out as it went in."""
        video = self._checked_video()
        try:
            if (address := self._running()) is not None:
                self._console.say(f"Using the system that runs at {address}.")
                result = self._demonstrate(video, address)
            else:
                with RunningStack(self._stack, self._console, "demo").up():
                    result = self._demonstrate(video, self._stack.address)
                self._console.say("To look around in it yourself: make run")
        except Interrupted:
            raise DemoFailed("The demonstration was interrupted.") from None
        self._console.say(result.line())
        return 0 if result.verified else 1

    def _checked_video(self) -> Path:
        if self._video is None:
            return self._own_clip()
        if not self._video.is_file():
            raise DemoFailed(
                f"There is no video file {self._video}: give one as VIDEO=path."
            )
        return self._video

    def _own_clip(self) -> Path:
        """Made once and kept, so that the second demonstration sends the same bytes."""
        self._stack.data.create()
        path = self._stack.data.root / "demo" / "clip.mp4"
        if not path.is_file():
            self._console.say("Making a clip of 10 seconds.")
            Clip(seconds=10.0).make(path)
        return path

    def _running(self) -> str | None:
        """The address of a `make run`, whatever ports it was given.

        Waits for one that is starting, and for another demonstration to end.
        """
        deadline = time.monotonic() + self.WAIT_SECONDS
        while (launcher := self._stack.data.launcher()) is not None:
            if launcher.purpose == "run" and self._is_up(launcher.address):
                return launcher.address
            self._console.progress(
                f"Waiting for process {launcher.pid}, which uses {self._stack.data.root}."
            )
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"Process {launcher.pid} uses {self._stack.data.root} and is not ready."
                )
            time.sleep(self.LOOK_SECONDS)
        return None

    def _is_up(self, address: str) -> bool:
        has_process = (
            self._stack.pid("api") is not None and self._stack.pid("worker") is not None
        )
        return has_process and Liveness(address).is_live()

    def _demonstrate(self, video: Path, address: str) -> DemoResult:
        account = DemoAccounts(self._stack.data).read()["media_operator"]
        with DemoClient(address) as client:
            flow = Demonstration(client, self._console, f"{address}/docs")
            return flow.execute(account, video)
