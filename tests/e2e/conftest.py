"""The whole system as real processes: servers, API and worker."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from backend.embedded.stack import EmbeddedServers, EmbeddedStack
from tests.e2e.cdn import Cdn
from tests.e2e.client import Client, Origin
from tests.e2e.collector import Collector
from tests.e2e.faults import Faults
from tests.e2e.traffic import Aftermath, Traffic
from tests.e2e.videos import Videos
from tests.ports import TestPorts


@contextmanager
def running_stack(
    *, durable: bool, settings: Mapping[str, str] = Client.SETTINGS
) -> Iterator[EmbeddedStack]:
    folder = Path(tempfile.mkdtemp(prefix="mediaproject-e2e-"))
    stack = EmbeddedStack(
        EmbeddedServers(folder, TestPorts(), durable=durable, environment=settings)
    )
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    with server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture(scope="package")
def collector() -> Iterator[Collector]:
    collector = Collector()
    with serving(collector):
        yield collector


@pytest.fixture(scope="package")
def cdn() -> Iterator[Cdn]:
    cdn = Cdn()
    with serving(cdn):
        yield cdn


@pytest.fixture(scope="package")
def stack(collector: Collector, cdn: Cdn) -> Iterator[EmbeddedStack]:
    """One stack for all tests here that leave it whole; others have the machine back."""
    told = collector.settings | cdn.settings
    settings = Client.SETTINGS | Client.COVERED | Client.TOLD | told
    with running_stack(durable=False, settings=settings) as stack:
        yield stack


@pytest.fixture(scope="package")
def shaken_stack() -> Iterator[EmbeddedStack]:
    """One for the tests that take its processes away: they give them back."""
    with running_stack(durable=True) as stack:
        yield stack


@pytest.fixture
def faults(shaken_stack: EmbeddedStack) -> Faults:
    return Faults(shaken_stack)


@pytest.fixture
def shaken_operator(shaken_stack: EmbeddedStack) -> Iterator[Client]:
    with Client(shaken_stack).signed_in("media_operator") as client:
        yield client


@pytest.fixture
def aftermath(shaken_operator: Client) -> Aftermath:
    return Aftermath(shaken_operator)


@pytest.fixture
def traffic(shaken_stack: EmbeddedStack, videos: Videos) -> Traffic:
    return Traffic(shaken_stack, videos)


@pytest.fixture
def operator(stack: EmbeddedStack) -> Iterator[Client]:
    with Client(stack).signed_in("media_operator") as client:
        yield client


@pytest.fixture
def admin(stack: EmbeddedStack) -> Iterator[Client]:
    with Client(stack).signed_in("admin") as client:
        yield client


@pytest.fixture
def viewer(stack: EmbeddedStack) -> Iterator[Client]:
    with Client(stack).signed_in("viewer") as client:
        yield client


@pytest.fixture
def origin(stack: EmbeddedStack) -> Origin:
    return Origin(stack.servers.environment())


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    return Videos(tmp_path_factory.mktemp("videos"))
