from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from tests.accounts import Accounts
from tests.database import TestDatabase
from tests.servers import TestServers
from tests.uvicorn_process import UvicornProcess

PROBE = "tests.unit.api.probe_application:application"
PROTOCOL = "tests.unit.api.probe_application:ImpatientHttpProtocol"
NOBODY_LISTENS = "postgresql://postgres@127.0.0.1:1/mediaproject"


# Nothing may look different in debugging; each handler runs one way.
VARIANTS = [
    {"STOCK_HANDLER": "0", "DEBUG": "true"},
    {"STOCK_HANDLER": "1", "DEBUG": "false"},
]


class Probe(UvicornProcess):
    """The probe application on the database at this address."""

    def __init__(
        self, environment: dict[str, str], database_url: str, folder: Path
    ) -> None:
        settings = {"LOG_FORMAT": "json", "DATABASE_URL": database_url}
        log = folder / "uvicorn.log"
        super().__init__(environment | settings, log, PROBE, PROTOCOL)


# Of the package and not of the session: tests elsewhere count the connections to the
# test database.
@pytest.fixture(scope="package", params=VARIANTS, ids=["lean", "stock"])
def variant(request: pytest.FixtureRequest, servers: TestServers) -> dict[str, str]:
    return {**servers.environment, **request.param}


@pytest.fixture(scope="package")
def probe(
    variant: dict[str, str],
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[UvicornProcess]:
    folder = tmp_path_factory.mktemp("probe")
    with Probe(variant, TestDatabase.url(), folder) as process:
        yield process


@pytest.fixture(scope="package")
def probe_without_database(
    variant: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[UvicornProcess]:
    folder = tmp_path_factory.mktemp("probe")
    with Probe(variant, NOBODY_LISTENS, folder) as process:
        yield process


@pytest.fixture
def client(probe: UvicornProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=probe.base_url) as client:
        yield client


@pytest.fixture
def client_without_database(
    probe_without_database: UvicornProcess,
) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=probe_without_database.base_url) as client:
        yield client


@pytest.fixture
async def viewer(accounts: Accounts) -> str:
    """The access token of somebody who may look and not create."""
    return (await accounts.signed_in("viewer@example.org", "viewer")).access


@pytest.fixture
async def operator(accounts: Accounts) -> str:
    """The access token of somebody who may create."""
    role = "media_operator"
    return (await accounts.signed_in("operator@example.org", role)).access


@pytest.fixture
async def signed_out(accounts: Accounts) -> str:
    """An access token that is not too old, of a session that has ended."""
    tokens = await accounts.signed_in("gone@example.org")
    caller = await accounts.known_caller(tokens)
    await accounts.sign_out.execute(caller, tokens.refresh)
    return tokens.access


@pytest.fixture
def stranger() -> str:
    """An access token that we signed, of a session that is in no database."""
    return JwtTokenIssuer().access(uuid4(), uuid4())
