"""What API and workers tell of themselves, over sign-ins, uploads and failures.

They come last of those that share a stack: what all others have made it write counts,
and its stores are stopped, and a worker is killed.
"""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.collector import Collector
from tests.e2e.faults import Faults, until
from tests.e2e.videos import Videos

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
SENT_SECONDS = 30.0
TOLD_SECONDS = 30.0
WRONG_PASSWORD = "a password that is not the one"
# Whatever looks like one is one, whosesoever it is.
SIGNS = re.compile(r"eyJ[\w-]{8,}|[Bb]earer (?!\[hidden)|X-Amz-(Signature|Cred)|argon2")
Line = dict[str, Any]


class Logged:
    """What a stack has written, and what must not be in it."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self.stack = stack
        self.secrets = {Client.METRICS_TOKEN, WRONG_PASSWORD, *self._of_environment()}
        for account in json.loads(stack.data.demo_accounts.read_text()).values():
            self.secrets.add(account["password"])

    def text(self) -> str:
        return "\n".join(self._file(name).read_text() for name in ("api", "worker"))

    def lines(self, name: str) -> list[Line]:
        """Raises `ValueError` for a line that is not JSON."""
        found = [json.loads(line) for line in self._file(name).read_text().splitlines()]
        assert found
        return found

    def until_told(self, media: str, kind: str, *events: str) -> None:
        """A worker tells of what it has written a moment after others can see it."""
        until(
            lambda: {line["event"] for line in self.of_job(media, kind)} >= {*events},
            TOLD_SECONDS,
            f"{events} of {kind} are told",
        )

    def of_job(self, media: str, kind: str) -> list[Line]:
        lines = self.lines("worker")
        return [
            line
            for line in lines
            if (line.get("media_id"), line.get("kind")) == (media, kind)
        ]

    def _file(self, name: str) -> Path:
        return self.stack.data.log_file(name)

    def _of_environment(self) -> Iterator[str]:
        environment = self.stack.servers.environment()
        for name, value in environment.items():
            if name.endswith(("_KEY", "_KEY_ID")):
                yield value
            if name.endswith("_URL") and (password := urlsplit(value).password):
                yield password


@pytest.fixture(scope="module")
def logged(stack: EmbeddedStack) -> Logged:
    return Logged(stack)


@pytest.fixture
def operator(logged: Logged) -> Iterator[Client]:
    with Client(logged.stack).signed_in("media_operator") as client:
        logged.secrets.add(client.http.headers["Authorization"].split()[1])
        yield client


class TestRequestId:
    def test_it_goes_from_the_request_to_every_line_of_its_jobs(
        self, logged: Logged, operator: Client, videos: Videos
    ) -> None:
        operator.http.headers["X-Request-ID"] = "trace-of-one-upload"
        uuid = operator.upload(videos.new()).json()["uuid"]
        assert operator.until_quiet(uuid)["status"] == "ready"
        for kind in ("upload_to_cdn", "extract_metadata", "make_miniature"):
            logged.until_told(uuid, kind, "job.started", "job.succeeded")
            lines = logged.of_job(uuid, kind)
            assert {line["request_id"] for line in lines} == {"trace-of-one-upload"}
        without = [line for line in logged.lines("worker") if uuid in json.dumps(line)]
        assert {line.get("request_id") for line in without} == {"trace-of-one-upload"}

    def test_a_job_that_fails_tells_it_too(
        self, logged: Logged, operator: Client, tmp_path: Path
    ) -> None:
        operator.http.headers["X-Request-ID"] = "trace-of-a-failure"
        path = tmp_path / "broken.mp4"
        path.write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(4_000))
        uuid = operator.upload(path).json()["uuid"]
        operator.until_quiet(uuid)
        logged.until_told(uuid, "extract_metadata", "job.attempt_failed")
        lines = logged.of_job(uuid, "extract_metadata")
        failed = [line for line in lines if line["event"] == "job.attempt_failed"]
        assert [line["code"] for line in failed] == ["unreadable_media"]
        assert {line["request_id"] for line in lines} == {"trace-of-a-failure"}


class TestTraces:
    """One upload is one trace, from the request to what workers ask of the stores."""

    def test_an_upload_is_followed_to_the_stores(
        self, collector: Collector, operator: Client, videos: Videos
    ) -> None:
        operator.http.headers["traceparent"] = PARENT
        uuid = operator.upload(videos.new()).json()["uuid"]
        assert operator.until_quiet(uuid)["status"] == "ready"
        api, worker = "mediaproject-api", "mediaproject-worker"
        wanted = {
            (api, "POST /media/"),
            (worker, "job upload_to_cdn"),
            (worker, "job extract_metadata"),
            (worker, "job make_miniature"),
            (worker, "s3 PutObject"),
            (worker, "mongo update"),
        }
        until(
            lambda: wanted <= collector.of(TRACE),
            SENT_SECONDS,
            "all of it was sent to the collector",
        )


class TestSecrets:
    def test_none_is_written_whatever_happens(
        self, logged: Logged, operator: Client, videos: Videos
    ) -> None:
        http = operator.http
        account = json.loads(logged.stack.data.demo_accounts.read_text())["admin"]
        http.post("/auth/signin/", json={**account, "password": WRONG_PASSWORD})
        http.post("/auth/signin/", content=json.dumps(account)[:-1])
        tokens = http.post("/auth/signin/", json=account).json()
        renewed = http.post("/auth/refresh/", json={"refresh": tokens["refresh"]})
        http.post("/auth/refresh/", json={"refresh": tokens["refresh"]})
        logged.secrets |= {tokens["access"], tokens["refresh"]}
        logged.secrets |= {renewed.json()["access"], renewed.json()["refresh"]}
        bearer = {"Authorization": f"Bearer {tokens['access']}"}
        http.get(f"/media/?access={tokens['access']}", headers=bearer)
        http.get(f"/{tokens['access']}/", headers=bearer)
        http.get(
            "/metrics", headers={"Authorization": f"Bearer {Client.METRICS_TOKEN}"}
        )
        faults = Faults(logged.stack)
        for store in ("s3", "mongo", "redis"):
            with faults.stopped(store):
                answer = operator.upload(videos.new())
                assert answer.status_code == 201, store
                http.get("/health/ready/")
                http.post("/auth/signin/", json=account)
            operator.until_done(answer.json()["uuid"])
        with faults.stopped("postgres"):
            http.post("/auth/signin/", json=account)
            http.get("/health/ready/")
        text = logged.text()
        assert "health.away" in text
        assert "job.attempt_failed" in text
        assert {secret for secret in logged.secrets if secret in text} == set()
        assert SIGNS.search(text) is None


class TestForm:
    def test_every_line_is_an_object_of_its_own(self, logged: Logged) -> None:
        """Those of the fleet and of dramatiq's masters too, when a worker dies."""
        pid = logged.stack.pid("worker")
        assert pid is not None
        master = psutil.Process(pid).children()[0]
        master.children()[0].send_signal(signal.SIGKILL)
        until(lambda: "fleet.worker_ended" in logged.text(), 30, "the fleet tells it")
        for name in ("api", "worker"):
            for line in logged.lines(name):
                assert line["event"], line
                assert line["level"] in (
                    "debug",
                    "info",
                    "warning",
                    "error",
                    "critical",
                )
                assert line["timestamp"].endswith("Z")
                assert line["logger"]
        loggers = {line["logger"] for line in logged.lines("worker")}
        assert {"dramatiq.MainProcess", "backend.fleet"} <= loggers
