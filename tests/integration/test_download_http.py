"""`GET /media/{uuid}/download/` on the real object store, as a client sees it."""

import shutil
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from tests.clips import ClipMaker
from tests.media_http import Caller, Service

FILE_NAME = 'Über die "Wellen" 🌊 100%.mp4'


@pytest.fixture
async def viewer(service: Service) -> Caller:
    return await service.signed_in("viewer@example.org", "viewer")


@pytest.fixture
def video(clips: ClipMaker, tmp_path: Path) -> Path:
    return Path(shutil.copy(clips.mp4(), tmp_path / FILE_NAME))


@pytest.fixture
async def media_id(service: Service, video: Path) -> UUID:
    owner = await service.signed_in("owner@example.org", "media_operator")
    return await owner.uploaded(video)


class TestDownload:
    async def test_it_leads_to_the_bytes_under_their_own_name(
        self, service: Service, viewer: Caller, media_id: UUID, video: Path
    ) -> None:
        await service.work(media_id)

        answer = await viewer.get(media_id, "download/")

        assert (answer.status_code, answer.content) == (307, b"")
        assert answer.headers["Cache-Control"] == "no-store"
        async with httpx.AsyncClient(trust_env=False) as browser:
            fetched = await browser.get(answer.headers["Location"])
        assert fetched.status_code == 200
        assert fetched.content == video.read_bytes()  # noqa: ASYNC240
        kind, _, name = fetched.headers["Content-Disposition"].partition(";")
        assert kind == "attachment"
        assert unquote(name.partition("filename*=UTF-8''")[2]) == FILE_NAME

    async def test_the_address_is_signed_and_does_not_live_long(
        self, service: Service, viewer: Caller, media_id: UUID
    ) -> None:
        assert service.worker.environment.cdn_access == "public"
        await service.work(media_id)
        location = (await viewer.get(media_id, "download/")).headers["Location"]
        signed = parse_qs(urlsplit(location).query)
        assert "X-Amz-Signature" in signed
        assert int(signed["X-Amz-Expires"][0]) <= 900

    async def test_what_is_not_stored_yet_is_404(
        self, viewer: Caller, media_id: UUID
    ) -> None:
        answer = await viewer.get(media_id, "download/")
        assert (answer.status_code, answer.json()["code"]) == (404, "media_not_stored")
        assert "Location" not in answer.headers

    async def test_what_is_not_there_is_404(self, viewer: Caller) -> None:
        answer = await viewer.get(uuid4(), "download/")
        assert (answer.status_code, answer.json()["code"]) == (404, "media_not_found")
