"""`POST /media/{uuid}/jobs/` on the real stores, as a client sees it."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend.orm.models import Blob, Job, JobAttempt, Media
from tests.answers import problem
from tests.clips import ClipMaker
from tests.media_http import Caller, Service

EXTRACT = {"kind": "extract_metadata"}


@pytest.fixture
async def owner(service: Service) -> Caller:
    return await service.signed_in("owner@example.org", "media_operator")


@pytest.fixture
def broken(clips: ClipMaker, tmp_path: Path) -> Path:
    """Begins like a video and cannot be read."""
    video = tmp_path / "broken.mp4"
    video.write_bytes(clips.mp4().read_bytes()[:32] + bytes(4_096))
    return video


class TestRetry:
    async def failed(self, service: Service, owner: Caller, video: Path) -> UUID:
        media_id = await owner.uploaded(video)
        await service.work(media_id)
        assert (await owner.get(media_id)).json()["status"] == "failed"
        return media_id

    async def test_a_failed_job_is_done_again_and_may_fail_again(
        self, service: Service, owner: Caller, broken: Path
    ) -> None:
        media_id = await self.failed(service, owner, broken)

        answer = await owner.retry(media_id, EXTRACT)

        assert answer.status_code == 202
        job = answer.json()
        assert (job["kind"], job["status"]) == ("extract_metadata", "queued")
        assert (job["attempts"], job["failure"]) == ([], None)
        media = (await owner.get(media_id)).json()
        assert (media["status"], media["failure"]) == ("processing", None)
        await service.work(media_id)
        history = (await owner.get(media_id, "jobs/")).json()["items"]
        assert history[0]["uuid"] == job["uuid"]
        assert [one["kind"] for one in history].count("extract_metadata") == 2
        media = (await owner.get(media_id)).json()
        assert media["failure"]["code"] == "unreadable_media"

    async def test_attempts_stand_in_their_order(
        self, service: Service, owner: Caller, clips: ClipMaker
    ) -> None:
        media_id = await owner.uploaded(clips.mp4())
        job = await Job.objects.aget(media=media_id, kind="extract_metadata")
        for number in (2, 1, 3):
            await JobAttempt.objects.acreate(job=job, number=number)

        history = (await owner.get(media_id, "jobs/")).json()["items"]

        (attempts,) = [one["attempts"] for one in history if one["attempts"]]
        assert [attempt["number"] for attempt in attempts] == [1, 2, 3]

    async def test_bytes_that_were_lost_and_came_back_make_it_ready(
        self, service: Service, owner: Caller, clips: ClipMaker
    ) -> None:
        media_id = await owner.uploaded(clips.mp4())
        blob = await Blob.objects.aget()
        staged = service.worker.environment.staging_dir / str(blob.staged_name)
        aside = staged.with_name(f"{staged.name}.aside")
        await asyncio.to_thread(staged.rename, aside)
        await service.work(media_id)
        media = (await owner.get(media_id)).json()
        assert media["failure"]["code"] == "staged_file_missing"

        await asyncio.to_thread(aside.rename, staged)
        answer = await owner.retry(media_id, {"kind": "upload_to_cdn"})
        assert answer.status_code == 202
        await service.work(media_id)

        assert (await owner.get(media_id)).json()["status"] == "ready"
        assert not service.worker.staging.holds(blob.staged_name, blob.size_bytes)

    async def test_what_stands_against_it_is_said(
        self, service: Service, owner: Caller, broken: Path
    ) -> None:
        media_id = await owner.uploaded(broken)
        assert problem(await owner.retry(media_id, EXTRACT)) == (409, "job_open")
        await service.work(media_id)
        for kind in ("upload_to_cdn", "delete_media"):
            refused = await owner.retry(media_id, {"kind": kind})
            assert problem(refused) == (409, "nothing_to_retry")
        assert problem(await owner.retry(uuid4(), EXTRACT)) == (404, "media_not_found")

    async def test_a_later_media_of_the_same_bytes_is_named(
        self, service: Service, owner: Caller, broken: Path
    ) -> None:
        media_id = await self.failed(service, owner, broken)
        later = await owner.uploaded(broken)

        refused = await owner.retry(media_id, EXTRACT)

        assert problem(refused) == (409, "duplicate_media")
        assert refused.json()["media"] == str(later)
        assert await Media.objects.acount() == 2

    @pytest.mark.parametrize(
        "body", [{}, {"kind": "x"}, {"kind": None}, EXTRACT | {"more": 1}, [], None]
    )
    async def test_bad_bodies(self, owner: Caller, body: Any) -> None:
        assert (await owner.retry(uuid4(), body)).status_code == 422
