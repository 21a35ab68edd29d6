"""Uploads that look odd and are taken; what else is odd about requests."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import psycopg
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.http.bad_inputs.row import MULTIPART
from tests.e2e.http.bad_inputs.uploads import EXPECTS, Sent
from tests.e2e.raw_upload import GOOD, VIDEO, RawClient, RawUpload
from tests.e2e.remains import Remains
from tests.e2e.videos import MEBIBYTE, Videos
from tests.fakes.uploads import Multipart
from tests.raw_http import RawHttp


class TestLyingLength:
    def test_b32_ten_bytes_declared_and_ten_mebibytes_sent(
        self, stack: EmbeddedStack, raw: RawClient, remains: Remains
    ) -> None:
        upload = RawUpload(GOOD[:10], declared=b"10")
        with raw.connection() as connection:
            answer = upload.exchange(connection, raw.authorization())
            assert (answer.status, answer.json()["code"]) == (400, MULTIPART.code)
            # What follows is another request, and none that anybody could read.
            with suppress(ConnectionError):
                connection.sendall(GOOD + bytes(10 * MEBIBYTE))
            assert RawHttp.read(connection).status == 400
            assert connection.recv(1) == b""
        assert remains.added() == set()


@dataclass(frozen=True)
class Taken:
    """An upload that looks odd and is right; `shown` is what the media says of it."""

    id: str
    upload: Callable[[bytes], RawUpload]
    shown: dict[str, str] = field(default_factory=dict)

    @classmethod
    def named(cls, id: str, file_name: str, shown: str) -> "Taken":  # noqa: A002
        """The name is for people only: no path, no key, no kind comes from it."""
        return cls(id, lambda video: Sent.video(video, file_name), {"file_name": shown})

    @classmethod
    def headed(cls, id: str, *headers: bytes) -> "Taken":  # noqa: A002
        return cls(id, lambda video: replace(Sent.video(video), headers=headers))

    @classmethod
    def titled(cls, id: str, *titles: str, shown: str) -> "Taken":  # noqa: A002
        def upload(video: bytes) -> RawUpload:
            parts = Multipart()
            for title in titles:
                parts.field("title", title)
            return Sent.form(parts.video(video))

        return cls(id, upload, {"title": shown})


TAKEN = [
    Taken.headed("B8 underscores", b"Content_Length: 3", b"X_Forwarded_For: a"),
    Taken.headed("B12 other wishes", b"Accept: application/xml", b"TE: trailers"),
    Taken.headed("B28 waits for its turn", EXPECTS),
    Taken("B30 chunks", lambda v: RawUpload.chunked(Sent.video(v).body, 1, 2, 90, 300)),
    Taken.named("B44 an MP4 is an MP4", "clip.jpg", "clip.jpg"),
    Taken.named("B46 up and away", "../../etc/passwd", "passwd"),
    Taken.named("B46 up and away on Windows", r"..\\..\\x.mp4", "x.mp4"),
    Taken.named("B46 from a disk", r"C:\\films\\x.mp4", "x.mp4"),
    Taken.named("B46 from the root", "/abs/x.mp4", "x.mp4"),
    Taken.named("B47 no name", "", "video"),
    Taken.named("B47 this folder", ".", "video"),
    Taken.named("B47 the folder above", "..", "video"),
    Taken.named("B48 5,000 characters", "x" * 5_000, "x" * 255),
    Taken.named("B48 255 emoji", "🎬" * 255 + ".mp4", "🎬" * 62 + ".mp4"),
    Taken.named("B50 a device of Windows", "CON.mp4", "CON.mp4"),
    Taken.named("B50 a dot at the end", "clip.mp4.", "clip.mp4."),
    Taken.named("B50 two endings", "clip.mp4.exe", "clip.mp4.exe"),
    Taken.titled("B65 no title", shown="clip"),
    # A form of the web cannot leave a field out.
    Taken.titled("B65 an empty title", "", shown="clip"),
]


@pytest.mark.usefixtures("quiet_afterwards")
class TestTaken:
    @pytest.mark.parametrize("row", TAKEN, ids=[row.id for row in TAKEN])
    def test_it_is_a_media(
        self,
        raw: RawClient,
        remains: Remains,
        database: psycopg.Connection[Any],
        row: Taken,
    ) -> None:
        answer = raw.send(row.upload(VIDEO + random.randbytes(16)))
        assert answer.status == 201, answer.body
        media = answer.json()
        assert {name: media[name] for name in row.shown} == row.shown
        assert remains.rows("media") == {media["uuid"]}
        (blob,) = remains.rows("blob")
        keys = database.execute("SELECT object_key FROM blob WHERE uuid = %s", [blob])
        assert keys.fetchall() == [(f"videos/{blob}.mp4",)]

    def test_b61_the_same_bytes_again(self, raw: RawClient, remains: Remains) -> None:
        upload = Sent.video(VIDEO + random.randbytes(16))
        first, second = raw.send(upload), raw.send(upload)
        assert (first.status, second.status) == (201, 200)
        assert first.json()["uuid"] == second.json()["uuid"]
        assert len(remains.rows("media")) == len(remains.rows("blob")) == 1

    @pytest.mark.parametrize("kept_bytes", [32, 2_000], ids=["head", "more"])
    def test_b45_a_truncated_video_fails_and_a_good_one_of_its_name_is_taken(
        self, operator: Client, videos: Videos, kept_bytes: int
    ) -> None:
        good = videos.new()
        whole = good.read_bytes()
        good.write_bytes(whole[:kept_bytes])
        broken = operator.upload(good)
        good.write_bytes(whole)
        taken = operator.upload(good)

        assert (broken.status_code, taken.status_code) == (201, 201)
        assert broken.json()["file_name"] == taken.json()["file_name"]
        failed = operator.until_done(broken.json()["uuid"])
        assert failed["status"] == "failed"
        assert failed["failure"]["code"] == "unreadable_media"
        assert operator.until_done(taken.json()["uuid"])["status"] == "ready"


class TestIgnored:
    def test_b13_a_preflight_opens_nothing(self, stack: EmbeddedStack) -> None:
        headers = {
            "Origin": "https://foreign.example",
            "Access-Control-Request-Method": "POST",
        }
        answer = httpx.options(f"{stack.address}/media/", headers=headers)
        assert answer.status_code == 405
        assert not [name for name in answer.headers if "access-control" in name]

    def test_b14_a_form_on_a_get(self, operator: Client, remains: Remains) -> None:
        files = {"video": ("clip.mp4", VIDEO)}
        answer = operator.http.request("GET", "/media/", files=files)
        assert answer.status_code == 200
        assert remains.added() == set()
