"""The freshness tests, on two API containers and the proxy before them.

Not named as a test: `make docker-test` runs it, with the addresses in the environment.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.pair import Pair
from tests.e2e.test_freshness import TestTwoProcesses
from tests.e2e.videos import Videos

__all__ = ["TestTwoProcesses"]

API, API_2, PROXY = (os.environ[name] for name in ("API", "API_2", "PROXY"))
ACCOUNTS = json.loads(Path(os.environ["ACCOUNTS"]).read_text())


@pytest.fixture(
    params=[(API, API_2), (PROXY, API), (API_2, PROXY), (PROXY, PROXY)],
    ids=["api-api2", "proxy-api", "api2-proxy", "proxy-proxy"],
)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    pair = Pair(*request.param, ACCOUNTS)
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    return Videos(tmp_path_factory.mktemp("videos"))
