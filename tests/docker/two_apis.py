"""The freshness tests, on two API containers and the proxy before them.

Not named as a test: `make docker-test` runs it, with the addresses in the environment.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_freshness import TestTwoProcesses
from tests.e2e.videos import Videos

__all__ = ["TestTwoProcesses"]

API, API_2, PROXY = (os.environ[name] for name in ("API", "API_2", "PROXY"))
ACCOUNTS = json.loads(Path(os.environ["ACCOUNTS"]).read_text())


class ContainerPair:
    """The same person at two addresses."""

    def __init__(self, one: str, other: str) -> None:
        self.one = httpx.Client(base_url=one, timeout=30.0, trust_env=False)
        self.other = httpx.Client(base_url=other, timeout=30.0, trust_env=False)

    def sign_in(self, role: str) -> str:
        """Answers the refresh token."""
        tokens = self.one.post("/auth/signin/", json=ACCOUNTS[role]).json()
        for http in (self.one, self.other):
            http.headers["Authorization"] = f"Bearer {tokens['access']}"
        return str(tokens["refresh"])

    def upload(self, video: Path) -> str:
        with video.open("rb") as file:
            answer = self.one.post("/media/", files={"video": (video.name, file)})
        assert answer.status_code == 201, answer.text
        return f"/media/{answer.json()['uuid']}/"

    def close(self) -> None:
        self.one.close()
        self.other.close()


@pytest.fixture(
    params=[(API, API_2), (PROXY, API), (API_2, PROXY), (PROXY, PROXY)],
    ids=["api-api2", "proxy-api", "api2-proxy", "proxy-proxy"],
)
def pair(request: pytest.FixtureRequest) -> Iterator[ContainerPair]:
    pair = ContainerPair(*request.param)
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    return Videos(tmp_path_factory.mktemp("videos"))
