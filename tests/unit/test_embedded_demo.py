"""The demonstration's client says in one sentence what went wrong; its clip is a real film."""

import io
from pathlib import Path

import httpx
import pytest
from pymediainfo import MediaInfo

from backend.embedded.clip import Clip
from backend.embedded.console import Console
from backend.embedded.demo import DemoClient, DemoFailed, Watch


class TestDemoClient:
    def test_a_problem_is_told_with_title_detail_and_fields(self) -> None:
        problem = {
            "title": "Invalid",
            "detail": "Look again.",
            "errors": [{"field": "title", "message": "too long."}],
        }
        client = self._client(httpx.Response(422, json=problem))
        with client, pytest.raises(DemoFailed) as failed:
            client.media("x")
        assert str(failed.value) == (
            "GET /media/x/ was refused: 422 Invalid; Look again; title: too long."
        )

    def test_an_answer_that_is_no_problem_is_told_by_its_status(self) -> None:
        client = self._client(httpx.Response(502, text="<html>"))
        with client, pytest.raises(DemoFailed, match="502 Bad Gateway"):
            client.media("x")

    def test_no_answer_is_told(self) -> None:
        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("Connection refused", request=request)

        client = DemoClient("http://api", httpx.MockTransport(refuse))
        with client, pytest.raises(DemoFailed, match="no answer: Connection refused"):
            client.sign_in("a", "b")

    def _client(self, answer: httpx.Response) -> DemoClient:
        return DemoClient("http://api", httpx.MockTransport(lambda request: answer))


class TestWatch:
    def test_progress_is_shown_until_the_media_has_failed(self) -> None:
        looks = iter(["pending", "processing", "failed"])
        job = {"kind": "upload_to_cdn", "status": "running", "progress": 42}

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/jobs/"):
                return httpx.Response(200, json={"items": [job]})
            return httpx.Response(200, json={"status": next(looks)})

        stream = io.StringIO()
        with DemoClient("http://api", httpx.MockTransport(answer)) as client:
            assert Watch(client, Console(stream)).until_done("x")["status"] == "failed"
        assert (
            stream.getvalue().splitlines()[1] == "media processing, upload_to_cdn 42%"
        )

    def test_a_media_that_is_ready_is_watched_until_its_miniature_is_made(self) -> None:
        looks = iter(["queued", "running", "succeeded"])

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/jobs/"):
                return httpx.Response(200, json={"items": []})
            jobs = {"make_miniature": next(looks)}
            return httpx.Response(200, json={"status": "ready", "jobs": jobs})

        with DemoClient("http://api", httpx.MockTransport(answer)) as client:
            media = Watch(client, Console(io.StringIO())).until_done("x")
        assert media["jobs"] == {"make_miniature": "succeeded"}


class TestClip:
    @pytest.mark.parametrize("seconds", [0.5, 3.0])
    def test_it_is_h264_and_aac_of_that_length(
        self, tmp_path: Path, seconds: float
    ) -> None:
        tracks = MediaInfo.parse(str(Clip(seconds).make(tmp_path / "clip.mp4"))).tracks
        assert [track.format for track in tracks] == ["MPEG-4", "AVC", "AAC"]
        assert abs(tracks[0].duration - seconds * 1000) < 100

    def test_the_seed_decides_its_bytes(self, tmp_path: Path) -> None:
        bytes_of = [
            Clip(0.5, seed=seed).make(tmp_path / f"{number}.mp4").read_bytes()
            for number, seed in enumerate((1, 1, 2))
        ]
        assert bytes_of[0] == bytes_of[1] != bytes_of[2]
        assert len(list(tmp_path.iterdir())) == 3
