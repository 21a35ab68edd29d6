from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from backend.embedded.stack import EmbeddedStack
from tests.e2e.faults import until
from tests.e2e.raw_upload import RawClient
from tests.e2e.remains import Remains, Rows
from tests.servers import TestServers
from tests.uvicorn_process import UvicornProcess


@pytest.fixture(scope="package", params=["0", "1"], ids=["lean", "stock"])
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


@pytest.fixture(scope="package")
def without_docs(
    servers: TestServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UvicornProcess]:
    log: Path = tmp_path_factory.mktemp("api") / "uvicorn.log"
    environment = {**servers.environment, "DOCS": "off", "DEBUG": "true"}
    with UvicornProcess(environment, log) as process:
        yield process


@pytest.fixture(scope="module")
def raw(stack: EmbeddedStack) -> RawClient:
    return RawClient(stack)


@pytest.fixture(scope="module")
def database(stack: EmbeddedStack) -> Iterator[psycopg.Connection[Any]]:
    url = stack.servers.environment()["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as database:
        yield database


@pytest.fixture(scope="module")
def quiet_afterwards(database: psycopg.Connection[Any]) -> Iterator[None]:
    """No job of these tests disturbs those that follow."""
    yield
    opened = "SELECT FROM job WHERE status IN ('queued', 'running')"
    until(lambda: not database.execute(opened).fetchall(), 90.0, "jobs are done")


@pytest.fixture
def remains(stack: EmbeddedStack, database: psycopg.Connection[Any]) -> Remains:
    remains = Remains(stack.data.staging, database)
    remains.begin()
    return remains


@pytest.fixture(scope="module")
def rows(database: psycopg.Connection[Any]) -> Rows:
    return Rows(database)
