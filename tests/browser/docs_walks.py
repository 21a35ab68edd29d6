"""Swagger UI from the first look to the list of media."""

import time
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from playwright.sync_api import Page, ViewportSize, expect

from backend.embedded.clip import Clip
from tests.browser.swagger import Swagger
from tests.browser.walk import Walk


class DocsWalk(Walk):
    """Signs in by hand, uploads through the file picker, watches the work, reads it all."""

    name = "docs"
    READY_SECONDS = 60.0
    SEED = 21
    TITLE = "Seen in Swagger UI"

    def go(self, page: Page) -> None:
        docs = Swagger(page, self.system.base_url).visit()
        self.picture(page, "page")
        self._sign_in(docs)
        uuid = self._upload(docs)
        media = self._wait_until_ready(docs, uuid)
        self._read_jobs(docs, uuid)
        self._read_metadata(docs, uuid, media)
        self._list(docs, uuid)
        self._see_miniature(page, media)

    def _sign_in(self, docs: Swagger) -> None:
        account = self.system.accounts["media_operator"]
        sign_in = docs.operation("POST", "/auth/signin/").open()
        sign_in.write_body({"email": account.email, "password": account.password})
        tokens = sign_in.execute().expect_status(200).shown_json()
        assert tokens["token_type"] == "Bearer"
        sign_in.close()
        docs.authorize(tokens["access"])
        me = docs.operation("GET", "/auth/me/").open()
        shown = me.execute().expect_status(200).scroll_to().shown_json()
        assert (shown["email"], shown["role"]) == (account.email, "media_operator")
        self.picture(docs.page, "authorised")
        me.close()
        self.step("signed in and authorised")

    def _upload(self, docs: Swagger) -> str:
        upload = docs.operation("POST", "/media/").open()
        upload.write_field("title", self.TITLE).choose_file("video", self._clip())
        # 200 where a system that runs has the clip since the last time.
        answer = upload.execute().expect_status(201, 200).scroll_to()
        media = answer.shown_json()
        self.picture(docs.page, "uploaded")
        assert media["title"] == self.TITLE
        assert media["file_name"] == "clip.mp4"
        upload.close()
        self.step("uploaded a clip through the file picker")
        return str(media["uuid"])

    def _clip(self) -> Path:
        path = self.folder / "clip.mp4"
        return Clip(seconds=2.0, seed=self.SEED, width=320, height=180).make(path)

    def _wait_until_ready(self, docs: Swagger, uuid: str) -> dict[str, Any]:
        """Until the miniature is there too."""
        detail = docs.operation("GET", "/media/{}/").open().write_path(uuid)
        deadline = time.monotonic() + self.READY_SECONDS
        media = detail.execute().expect_status(200).scroll_to().shown_json()
        while media["status"] != "ready" or media["miniature_url"] is None:
            assert media["status"] != "failed", media["failure"]
            assert time.monotonic() < deadline, f"not ready: {media}"
            docs.page.wait_for_timeout(300)
            media = detail.execute().expect_status(200).scroll_to().shown_json()
        assert media["technical"]["video"]["codec"] == "AVC"
        self.picture(docs.page, "ready")
        detail.close()
        self.step("watched it become ready")
        return media

    def _read_jobs(self, docs: Swagger, uuid: str) -> None:
        jobs = docs.operation("GET", "/media/{}/jobs/").open().write_path(uuid)
        items = jobs.execute().expect_status(200).shown_json()["items"]
        done = {job["kind"] for job in items if job["status"] == "succeeded"}
        assert {"upload_to_cdn", "extract_metadata", "make_miniature"} <= done
        assert all(job["attempts"] for job in items)
        jobs.close()
        self.step("read its jobs")

    def _read_metadata(self, docs: Swagger, uuid: str, media: dict[str, Any]) -> None:
        metadata = docs.operation("GET", "/media/{}/metadata/").open().write_path(uuid)
        report = metadata.execute().expect_status(200).shown_json()
        assert report["sha256"] == media["sha256"]
        tracks = [track["type"] for track in report["tracks"]]
        assert tracks[:3] == ["General", "Video", "Audio"]
        metadata.close()
        self.step("read its metadata")

    def _list(self, docs: Swagger, uuid: str) -> None:
        listing = docs.operation("GET", "/media/").open()
        page = listing.execute().expect_status(200).shown_json()
        assert uuid in [item["uuid"] for item in page["items"]]
        listing.close()
        self.step("found it in the list")

    def _see_miniature(self, page: Page, media: dict[str, Any]) -> None:
        address = urlsplit(media["miniature_url"])
        self.allow(f"{address.scheme}://{address.netloc}")
        page.goto(media["miniature_url"])
        width = page.locator("img").evaluate("picture => picture.naturalWidth")
        assert width == 320
        self.picture(page, "miniature")
        self.step("saw its miniature")


class NarrowWalk(Walk):
    """The page on a telephone: nothing sticks out, and it can be used."""

    name = "narrow"
    SIZE: ClassVar[ViewportSize] = {"width": 390, "height": 844}

    def go(self, page: Page) -> None:
        docs = Swagger(page, self.system.base_url).visit()
        self._expect_no_overflow(page)
        self.picture(page, "page")
        ping = docs.operation("GET", "/ping/").open()
        assert ping.execute().expect_status(200).shown_json() == {"message": "pong"}
        self._expect_no_overflow(page)
        self.picture(page, "answered")
        authorize = page.get_by_role("button", name="Authorize").first
        authorize.scroll_into_view_if_needed()
        expect(authorize).to_be_in_viewport(ratio=1)
        self.step("usable at 390 pixels")

    @staticmethod
    def _expect_no_overflow(page: Page) -> None:
        beyond = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert beyond <= 0, f"the page is {beyond} pixels wider than the screen"
