"""Miniatures over HTTP: sent, taken from the video, replaced, and what is refused."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from backend.domain.pictures import Jpeg, PictureSize
from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client, Origin
from tests.e2e.faults import Faults
from tests.e2e.videos import Videos
from tests.pictures import Pictures
from tests.raw_http import RawHttp

NOBODYS = "00000000-0000-4000-8000-000000000000"


class Shown:
    """A miniature as anybody gets it from the CDN."""

    def __init__(self, media: dict[str, Any]) -> None:
        assert media["miniature_url"] == media["urls"]["miniature"]
        self.url: str = media["miniature_url"]
        self.answer = httpx.get(self.url, trust_env=False)
        assert self.answer.status_code == 200
        assert self.answer.headers["Content-Type"] == "image/jpeg"
        assert "immutable" in self.answer.headers["Cache-Control"]

    @property
    def key(self) -> str:
        return "/".join(self.url.split("/")[-2:])

    @property
    def content(self) -> bytes:
        return self.answer.content

    @property
    def size(self) -> PictureSize:
        (size,) = Jpeg().sizes(self.content)
        return size


@pytest.fixture(scope="module")
def uuid(stack: EmbeddedStack, videos: Videos) -> str:
    """A media of the operator with a miniature from its video."""
    with Client(stack).signed_in("media_operator") as operator:
        uuid: str = operator.upload(videos.new()).json()["uuid"]
        operator.until_quiet(uuid)
    return uuid


@contextmanager
def nothing_new_in(folder: Path) -> Iterator[None]:
    before = set(folder.iterdir())
    yield
    assert set(folder.iterdir()) <= before


def answer_to_the_head(client: Client, uuid: str) -> tuple[int, str]:
    """Nothing of the body is sent."""
    head = (
        f"PUT /media/{uuid}/miniature/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {client.http.headers['Authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 5000000\r\n\r\n"
    )
    port = urlsplit(client.stack.address).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        answer = RawHttp.exchange(connection, head.encode())
    return answer.status, answer.json()["code"]


class TestMiniature:
    def test_one_that_is_sent_is_made_anew_from_its_pixels(
        self, operator: Client, viewer: Client, videos: Videos
    ) -> None:
        # Lying on its side.
        sent = Pictures.plain("JPEG", (1_000, 2_000), exif=Pictures.secrets())
        answer = operator.upload(videos.new(), sent)
        assert answer.status_code == 201

        media = operator.until_quiet(answer.json()["uuid"])

        assert media["jobs"]["make_miniature"] == "succeeded"
        shown = Shown(media)
        assert shown.size == (1_280, 640)
        for secret in (b"Exif", b"SECRET"):
            assert secret in sent
            assert secret not in shown.content
        page = viewer.http.get("/media/").json()
        (listed,) = [m for m in page["items"] if m["uuid"] == media["uuid"]]
        assert listed["miniature_url"] == shown.url

    def test_without_one_it_is_a_frame_of_the_video(
        self, viewer: Client, uuid: str
    ) -> None:
        media = viewer.media(uuid)
        video = media["technical"]["video"]
        width, height = Shown(media).size
        assert 0 < width <= 1_280
        assert width / height == pytest.approx(video["width"] / video["height"], 0.02)

    def test_what_stands_behind_a_picture_does_not_get_out(
        self, operator: Client, videos: Videos
    ) -> None:
        polyglot = Pictures.polyglot()
        uuid = operator.upload(videos.new(), polyglot).json()["uuid"]
        shown = Shown(operator.until_quiet(uuid))
        assert b"<script" in polyglot
        assert b"<script" not in shown.content

    def test_with_a_video_that_is_known_it_is_discarded(
        self, operator: Client, videos: Videos
    ) -> None:
        video = videos.new()
        first = operator.upload(video, Pictures.plain("JPEG", colour=(1, 99, 9))).json()
        before = operator.until_quiet(first["uuid"])
        with nothing_new_in(operator.stack.data.staging):
            again = operator.upload(video, Pictures.plain("JPEG", colour=(9, 99, 1)))
        assert (again.status_code, again.json()["deduplicated"]) == (200, True)
        assert again.json()["miniature_url"] == before["miniature_url"]
        assert again.json()["jobs"]["make_miniature"] == "succeeded"

    def test_one_that_looks_right_and_cannot_be_read_fails_alone(
        self, operator: Client, videos: Videos
    ) -> None:
        broken = Pictures.png_of(64, 48, Pictures.chunk(b"IDAT", b"no zlib stream"))
        uuid = operator.upload(videos.new(), broken).json()["uuid"]
        with nothing_new_in(operator.stack.data.staging):
            media = operator.until_quiet(uuid)
            assert media["status"] == "ready"
            failure = operator.jobs(uuid)["make_miniature"]["failure"]
        assert failure["code"] == "unreadable_picture"
        assert failure["advice"]
        assert media["miniature_url"] is None


class TestReplacing:
    def test_the_new_one_is_shown_and_the_old_one_is_gone(
        self, operator: Client, origin: Origin, videos: Videos
    ) -> None:
        sent = Pictures.plain("JPEG", (320, 240), (99, 1, 9))
        uuid = operator.upload(videos.new(), sent).json()["uuid"]
        media = operator.until_quiet(uuid)
        old = Shown(media)
        answer = operator.put_miniature(uuid, Pictures.plain("PNG", (640, 480)))

        assert answer.status_code == 202
        job = answer.json()
        assert job["kind"] == "make_miniature"
        after = operator.until_quiet(uuid)
        new = Shown(after)
        assert new.size == (640, 480)
        assert new.url != old.url
        assert after["revision"] > media["revision"]
        assert operator.jobs(uuid)["make_miniature"]["uuid"] == job["uuid"]
        keys = origin.keys("miniatures/")
        assert (old.key in keys, new.key in keys) == (False, True)
        assert httpx.get(old.url, trust_env=False).status_code in (403, 404)

    def test_who_may_not_is_told_before_the_picture_is_sent(
        self, operator: Client, admin: Client, viewer: Client, videos: Videos
    ) -> None:
        theirs = admin.upload(videos.new()).json()["uuid"]
        admin.until_quiet(theirs)
        for client, uuid, code in (
            (viewer, theirs, (403, "right_missing")),
            (operator, theirs, (403, "right_missing")),
            (operator, NOBODYS, (404, "media_not_found")),
        ):
            assert answer_to_the_head(client, uuid) == code

    def test_an_admin_may_replace_anybodys(self, admin: Client, uuid: str) -> None:
        answer = admin.put_miniature(uuid, Pictures.plain("WEBP", (320, 180)))
        assert answer.status_code == 202
        assert Shown(admin.until_quiet(uuid)).size == (320, 180)


class TestKilledApi:
    def test_one_at_a_time_and_none_is_lost_with_the_api(
        self, shaken_operator: Client, faults: Faults, videos: Videos
    ) -> None:
        with faults.frozen("worker"):
            sent = Pictures.plain("JPEG", (400, 300))
            uuid = shaken_operator.upload(videos.new(), sent).json()["uuid"]
            seen = answer_to_the_head(shaken_operator, uuid)
            assert seen == (409, "job_open")
            old = faults.kill("api")
            faults.until_back("api", old, 15.0)
        assert shaken_operator.until_done(uuid)["status"] == "ready"
        assert Shown(shaken_operator.until_quiet(uuid)).size == (400, 300)
