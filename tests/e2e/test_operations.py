"""The commands of the person on call, on the whole system while it runs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.faults import until
from tests.e2e.videos import Videos

PROJECT = Path(__file__).resolve().parents[2]
KIND = "extract_metadata"
AT_ONCE_SECONDS = 60.0


class OnCall:
    """Runs `manage.py` beside the system, and looks at its health as a stranger."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self._environment = {"PATH": os.environ["PATH"], **stack.servers.environment()}

    def run(self, *words: str) -> tuple[int, str]:
        """The exit code and what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode < 2, done.stderr
        return done.returncode, done.stdout

    def stuck(self, media: str) -> list[dict[str, Any]]:
        _, printed = self.run("stuck_jobs", "--json", "--limit", "500")
        jobs: list[dict[str, Any]] = json.loads(printed)["jobs"]
        return [job for job in jobs if job["media_id"] == media]


@pytest.fixture
def on_call(stack: EmbeddedStack) -> Iterator[OnCall]:
    on_call = OnCall(stack)
    yield on_call
    on_call.run("resume_jobs", KIND)


class TestPause:
    def test_a_paused_kind_waits_and_then_goes_on_at_once(
        self, on_call: OnCall, operator: Client, videos: Videos
    ) -> None:
        on_call.run("pause_jobs", KIND, "--reason", "a bad release")
        answer = operator.upload(videos.new())
        assert answer.status_code == 201
        uuid = answer.json()["uuid"]
        until(
            lambda: operator.media(uuid)["jobs"]["upload_to_cdn"] == "succeeded",
            60,
            "others go on",
        )
        job = operator.jobs(uuid)[KIND]
        assert (job["status"], job["attempts"]) == ("queued", [])
        assert operator.media(uuid)["status"] == "processing"
        (stuck,) = on_call.stuck(uuid)
        assert (stuck["reason"], stuck["kind"]) == ("paused", KIND)
        code, page = on_call.run("stuck_jobs")
        assert code == 1
        assert f"{KIND} is paused since" in page
        assert page.count("a bad release") == 1

        code, printed = on_call.run("resume_jobs", KIND)

        assert (code, printed) == (0, f"{KIND} goes on.\n")
        assert operator.until_done(uuid, AT_ONCE_SECONDS)["status"] == "ready"
        assert on_call.stuck(uuid) == []


class TestRetry:
    def test_all_of_a_code_are_tried_again(
        self, on_call: OnCall, operator: Client, tmp_path: Path
    ) -> None:
        uuids = [self._unreadable(operator, tmp_path, number) for number in range(2)]
        for uuid in uuids:
            assert operator.until_quiet(uuid)["status"] == "failed"
            assert {job["code"] for job in on_call.stuck(uuid)} >= {"unreadable_media"}
        words = ("retry_jobs", "--code", "unreadable_media", "--kind", KIND)

        code, printed = on_call.run(*words)
        assert "nothing was changed" in printed
        assert all(self._tries(operator, uuid) == 1 for uuid in uuids)

        code, printed = on_call.run(*words, "--yes")

        assert (code, "were opened again" in printed) == (0, True)
        for uuid in uuids:
            until(lambda u=uuid: self._tries(operator, u) == 2, 120, "a second job")
            operator.until_quiet(uuid)
            assert operator.jobs(uuid)[KIND]["failure"]["code"] == "unreadable_media"

    @staticmethod
    def _unreadable(operator: Client, folder: Path, number: int) -> str:
        path = folder / f"broken-{number}.mp4"
        path.write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(4_000))
        answer = operator.upload(path)
        assert answer.status_code == 201, answer.text
        uuid: str = answer.json()["uuid"]
        return uuid

    @staticmethod
    def _tries(operator: Client, uuid: str) -> int:
        items = operator.http.get(f"/media/{uuid}/jobs/").json()["items"]
        jobs = [job for job in items if job["kind"] == KIND]
        return len([job for job in jobs if job["attempts"]])


class TestWords:
    def test_what_is_unknown_is_named(self, on_call: OnCall) -> None:
        for words in (["pause_jobs", "nonsense"], ["retry_jobs", "--code", "nonsense"]):
            with pytest.raises(AssertionError, match="nonsense"):
                on_call.run(*words)
