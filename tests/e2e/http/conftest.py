from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import TestServers
from tests.uvicorn_process import UvicornProcess


@pytest.fixture(scope="session", params=["0", "1"], ids=["lean", "stock"])
def api(
    request: pytest.FixtureRequest,
    servers: TestServers,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[UvicornProcess]:
    log = tmp_path_factory.mktemp("api") / "uvicorn.log"
    environment = {**servers.environment, "STOCK_HANDLER": request.param}
    with UvicornProcess(environment, log) as process:
        yield process


@pytest.fixture
def client(api: UvicornProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.base_url) as client:
        yield client


@pytest.fixture(scope="session")
def without_docs(
    servers: TestServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UvicornProcess]:
    log: Path = tmp_path_factory.mktemp("api") / "uvicorn.log"
    environment = {**servers.environment, "DOCS": "off", "DEBUG": "true"}
    with UvicornProcess(environment, log) as process:
        yield process
