"""Stacks that tests may shake: each test finds one that is whole and leaves it so."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import Client
from tests.e2e.videos import Videos
from tests.faults.harness import FaultStack
from tests.faults.uploads import Uploads


@pytest.fixture(scope="package")
def running_stack() -> Iterator[FaultStack]:
    folder = Path(tempfile.mkdtemp(prefix="mediaproject-faults-"))
    try:
        with FaultStack(folder) as stack:
            yield stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stack(running_stack: FaultStack) -> Iterator[FaultStack]:
    running_stack.heal()
    running_stack.oracle.begin()
    yield running_stack
    running_stack.heal()


@pytest.fixture
def operator(stack: FaultStack) -> Iterator[Client]:
    with stack.client("media_operator") as client:
        yield client


@pytest.fixture
def admin(stack: FaultStack) -> Iterator[Client]:
    with stack.client("admin") as client:
        yield client


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Videos:
    return Videos(tmp_path_factory.mktemp("videos"))


@pytest.fixture
def uploads(operator: Client, videos: Videos) -> Uploads:
    return Uploads(operator, videos)
