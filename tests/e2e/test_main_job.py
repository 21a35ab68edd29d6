"""A real video goes in over HTTP and becomes ready, on real processes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.e2e.client import Client, Origin
from tests.e2e.faults import until
from tests.e2e.videos import MEBIBYTE, Videos
from tests.folders import Looked


class TestMainJob:
    def test_a_video_goes_in_and_its_very_bytes_come_out_at_the_cdn(
        self, operator: Client, videos: Videos
    ) -> None:
        video = videos.new()
        answer = operator.upload(video, title="A holiday", description="By the sea")

        assert answer.status_code == 201
        received = answer.json()
        assert answer.headers["Location"] == f"/media/{received['uuid']}/"
        assert received["deduplicated"] is False
        operator.until_done(received["uuid"])
        media = operator.until_quiet(received["uuid"])
        assert media["status"] == "ready"
        assert (media["title"], media["description"]) == ("A holiday", "By the sea")
        assert media["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
        assert media["jobs"] == {
            "upload_to_cdn": "succeeded",
            "extract_metadata": "succeeded",
            "make_miniature": "succeeded",
        }
        fetched = httpx.get(media["urls"]["video"], trust_env=False)
        assert fetched.content == video.read_bytes()
        assert fetched.headers["Content-Type"] == "video/mp4"
        assert "immutable" in fetched.headers["Cache-Control"]

    def test_its_metadata_and_its_job_history_can_be_read(
        self, operator: Client, viewer: Client, videos: Videos
    ) -> None:
        uuid = operator.upload(videos.new()).json()["uuid"]
        media = operator.until_quiet(uuid)

        metadata = viewer.http.get(f"/media/{uuid}/metadata/").json()
        assert metadata["sha256"] == media["sha256"]
        assert metadata["tracks"][0]["type"] == "General"
        assert media["technical"]["video"]["codec"] == "AVC"
        assert media["technical"]["audio"]["codec"] == "AAC"
        for job in viewer.jobs(uuid).values():
            assert job["status"] == "succeeded"
            assert job["progress"] == 100
            assert [attempt["outcome"] for attempt in job["attempts"]] == ["succeeded"]

    def test_the_same_file_again_is_the_same_media_and_no_second_object(
        self, operator: Client, origin: Origin, videos: Videos
    ) -> None:
        video = videos.new()
        first = operator.upload(video).json()
        operator.until_done(first["uuid"])

        again = operator.upload(video)

        assert again.status_code == 200
        assert again.json()["uuid"] == first["uuid"]
        assert again.json()["deduplicated"] is True
        assert origin.copies(video) == 1

    def test_nothing_stays_in_staging_once_it_is_ready(
        self, operator: Client, videos: Videos
    ) -> None:
        staging = operator.stack.data.staging
        before = Looked.names(staging)

        uuid = operator.upload(videos.new()).json()["uuid"]

        assert operator.until_quiet(uuid)["status"] == "ready"
        # The last job removes the file just after it has ended.
        until(lambda: Looked.names(staging) <= before, 30.0, "its file is gone")

    def test_a_truncated_video_fails_with_a_reason_and_a_good_one_is_taken(
        self, operator: Client, videos: Videos
    ) -> None:
        good = videos.new()
        # The header of a video, and nothing that could be read.
        broken = good.with_name("broken.mp4")
        broken.write_bytes(good.read_bytes()[:32] + bytes(4_096))

        uuid = operator.upload(broken).json()["uuid"]
        media = operator.until_done(uuid)

        assert media["status"] == "failed"
        assert media["failure"]["code"] == "unreadable_media"
        assert media["failure"]["advice"]
        assert operator.upload(good).status_code == 201


class TestTwins:
    """One that was told to come again may have made the media: then none is told so."""

    def test_fifty_at_once_by_one_user_are_one_media(
        self, operator: Client, origin: Origin, videos: Videos
    ) -> None:
        video = videos.new()
        with ThreadPoolExecutor(50) as pool:
            answers = list(
                pool.map(lambda _: operator.upload_patiently(video), range(50))
            )

        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {200, 201}
        assert statuses.count(201) <= 1
        uuids = {answer.json()["uuid"] for answer in answers}
        assert len(uuids) == 1
        assert operator.until_done(uuids.pop())["status"] == "ready"
        assert origin.copies(video) == 1

    def test_fifty_at_once_by_two_users_are_two_media_on_one_object(
        self, operator: Client, admin: Client, origin: Origin, videos: Videos
    ) -> None:
        video = videos.new()
        with ThreadPoolExecutor(50) as pool:
            clients = [operator, admin] * 25
            answers = list(pool.map(lambda one: one.upload_patiently(video), clients))

        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {200, 201}
        assert statuses.count(201) <= 2
        uuids = {answer.json()["uuid"] for answer in answers}
        assert len(uuids) == 2
        media = [operator.until_done(uuid) for uuid in uuids]
        assert {one["status"] for one in media} == {"ready"}
        assert len({one["urls"]["video"] for one in media}) == 1
        assert origin.copies(video) == 1

    def test_a_large_file_of_two_users_at_once_is_put_once(
        self, operator: Client, admin: Client, origin: Origin, videos: Videos
    ) -> None:
        """Large enough for a multipart upload, which a second one would disturb."""
        video = videos.new(64 * MEBIBYTE)
        with ThreadPoolExecutor(2) as pool:
            answers = list(
                pool.map(lambda client: client.upload(video), [operator, admin])
            )

        for answer in answers:
            assert answer.status_code == 201
            uuid = answer.json()["uuid"]
            assert operator.until_done(uuid)["status"] == "ready"
            attempts = operator.jobs(uuid)["upload_to_cdn"]["attempts"]
            assert [attempt["outcome"] for attempt in attempts] == ["succeeded"]
        assert origin.copies(video) == 1


class TestReads:
    def test_pages_follow_each_other_without_gap_or_repetition(
        self, operator: Client, viewer: Client, videos: Videos
    ) -> None:
        for _ in range(3):
            operator.upload(videos.new())
        by_hundreds, by_twos = self._walk(viewer, 100), self._walk(viewer, 2)
        seen = [media["uuid"] for media in by_twos]
        assert len(seen) == len(set(seen)) >= 3
        assert seen == [media["uuid"] for media in by_hundreds]
        times = [media["created_at"] for media in by_twos]
        assert times == sorted(times, reverse=True)

    @staticmethod
    def _walk(viewer: Client, limit: int) -> list[dict[str, Any]]:
        """All media, page by page; each page knows how many there are."""
        seen: list[dict[str, Any]] = []
        totals, cursor = set(), None
        while True:
            query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            page = viewer.http.get("/media/", params=query).json()
            totals.add(page["total"])
            seen += page["items"]
            cursor = page["next"]
            if cursor is None:
                assert totals == {len(seen)}
                return seen

    def test_a_media_that_does_not_exist_is_a_problem(self, viewer: Client) -> None:
        unknown = "/media/00000000-0000-4000-8000-000000000000/"
        for path in (unknown, f"{unknown}jobs/", f"{unknown}metadata/"):
            answer = viewer.http.get(path)
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["code"] == "media_not_found"

    def test_metadata_that_is_not_there_yet_says_so(
        self, operator: Client, videos: Videos
    ) -> None:
        broken = videos.new()
        broken.write_bytes(broken.read_bytes()[:32] + bytes(4_099))
        uuid = operator.upload(broken).json()["uuid"]
        operator.until_done(uuid)
        answer = operator.http.get(f"/media/{uuid}/metadata/")
        assert (answer.status_code, answer.json()["code"]) == (
            404,
            "metadata_not_ready",
        )

    def test_a_tampered_cursor_or_a_wrong_limit_is_refused(
        self, viewer: Client
    ) -> None:
        for query in ({"cursor": "abc"}, {"limit": 0}, {"limit": 101}, {"limit": "x"}):
            assert viewer.http.get("/media/", params=query).status_code == 422


class TestRightsBeforeBytes:
    def test_a_viewer_may_not_upload(self, viewer: Client, videos: Videos) -> None:
        answer = viewer.upload(videos.new())
        assert (answer.status_code, answer.json()["code"]) == (403, "right_missing")
