"""What is answered at one API process holds at the other on the next request."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.client import Client
from tests.e2e.faults import Faults
from tests.e2e.pair import Pair
from tests.e2e.traffic import SLOWEST_SECONDS
from tests.e2e.videos import Videos
from tests.uvicorn_process import UvicornProcess

# As long as what was read before a change may be shown.
FRESH_SECONDS = 3.0


@pytest.fixture(scope="module")
def second(
    stack: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UvicornProcess]:
    """Another API on the stores of the stack."""
    log: Path = tmp_path_factory.mktemp("second-api") / "uvicorn.log"
    with UvicornProcess(stack.servers.environment(), log) as process:
        yield process


@pytest.fixture
def pair(stack: EmbeddedStack, second: UvicornProcess) -> Iterator[Pair]:
    accounts = json.loads(stack.data.demo_accounts.read_text())
    pair = Pair(stack.address, second.base_url, accounts)
    yield pair
    pair.close()


class TestTwoProcesses:
    @pytest.mark.parametrize("round_", range(3))
    def test_a_sign_out_ends_the_access_token_at_both(
        self, pair: Pair, round_: int
    ) -> None:
        for ended, asked in pair.both_ways():
            refresh = pair.sign_in("viewer")
            assert [asked.get("/auth/me/").status_code for _ in range(2)] == [200, 200]
            answer = ended.post("/auth/signout/", json={"refresh": refresh})
            assert answer.status_code == 204
            assert asked.get("/auth/me/").status_code == 401

    def test_a_reused_refresh_token_ends_the_access_token_at_both(
        self, pair: Pair
    ) -> None:
        refresh = {"refresh": pair.sign_in("viewer")}
        assert pair.one.post("/auth/refresh/", json=refresh).status_code == 200
        assert pair.other.get("/auth/me/").status_code == 200
        assert pair.one.post("/auth/refresh/", json=refresh).status_code == 401
        assert pair.other.get("/auth/me/").status_code == 401

    def test_what_is_deleted_at_one_is_gone_at_the_other(
        self, pair: Pair, videos: Videos
    ) -> None:
        pair.sign_in("media_operator")
        for deleted, asked in pair.both_ways():
            path = pair.upload(videos.new())
            uuid = path.split("/")[2]
            pages = ("/media/?limit=100", f"/search?title={self._title(asked, path)}")
            assert asked.get(path).status_code == 200
            assert all(uuid in asked.get(page).text for page in pages)
            assert deleted.delete(path).status_code == 204
            assert asked.get(path).status_code == 404
            assert not any(uuid in asked.get(page).text for page in pages)

    def test_what_is_changed_at_one_is_shown_by_the_other(
        self, pair: Pair, videos: Videos
    ) -> None:
        pair.sign_in("media_operator")
        path = pair.upload(videos.new())
        for number, (changed, asked) in enumerate(pair.both_ways()):
            title = f"{uuid4().hex} {number}"
            pages = (path, "/media/?limit=100", f"/search?title={title}")
            assert not any(title in asked.get(page).text for page in pages)
            answer = changed.patch(path, json={"title": title})
            assert answer.status_code == 200
            assert all(title in asked.get(page).text for page in pages)

    def test_a_role_that_is_taken_away_at_one_is_gone_at_the_other(
        self, pair: Pair
    ) -> None:
        pair.sign_in("media_operator")
        path = f"/users/{pair.one.get('/auth/me/').json()['uuid']}/"
        no_video = {"files": {"video": ("a.mp4", b"no video" * 100)}}
        assert pair.other.post("/media/", **no_video).status_code == 415
        with pair.administrator() as admin:
            try:
                assert admin.patch(path, json={"role": "viewer"}).status_code == 200
                assert pair.other.post("/media/", **no_video).status_code == 403
            finally:
                admin.patch(path, json={"role": "media_operator"})
        assert pair.other.post("/media/", **no_video).status_code == 415

    @staticmethod
    def _title(http: httpx.Client, path: str) -> str:
        return str(http.get(path).json()["title"])


class TestRedisAway:
    @pytest.mark.parametrize("way", ["stopped", "frozen"])
    def test_a_change_waits_until_nothing_from_before_is_shown(
        self, faults: Faults, shaken_operator: Client, videos: Videos, way: str
    ) -> None:
        uuids = [shaken_operator.upload(videos.new()).json()["uuid"] for _ in range(2)]
        for uuid in uuids:
            assert shaken_operator.until_quiet(uuid)["status"] == "ready"
        away = {"stopped": faults.stopped, "frozen": faults.frozen}[way]
        with away("redis"):
            # What our side takes it takes both times; a busy machine does not.
            in_time = (
                self._seconds_to_delete(shaken_operator, uuid) < SLOWEST_SECONDS
                for uuid in uuids
            )
            assert any(in_time)
        assert shaken_operator.http.get(f"/media/{uuids[0]}/").status_code == 404

    @staticmethod
    def _seconds_to_delete(operator: Client, uuid: str) -> float:
        assert operator.media(uuid)["uuid"] == uuid
        began = time.monotonic()
        answer = operator.http.delete(f"/media/{uuid}/")
        seconds = time.monotonic() - began
        assert answer.status_code == 204
        assert seconds >= FRESH_SECONDS
        assert operator.http.get(f"/media/{uuid}/").status_code == 404
        return seconds
