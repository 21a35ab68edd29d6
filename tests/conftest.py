"""Starts the real servers once for the whole run, before Django reads its settings."""

import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest

from tests.clips import ClipMaker
from tests.servers import TestServers

_FOLDER = Path(tempfile.mkdtemp(prefix="mediaproject-tests-"))
_SERVERS = TestServers(_FOLDER)
_SERVERS.start()
os.environ.update(_SERVERS.environment)
django.setup()

pytest_plugins = [
    "tests.accounts",
    "tests.database",
    "tests.passwords",
]


def pytest_unconfigure(config: pytest.Config) -> None:
    _SERVERS.stop()
    shutil.rmtree(_FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> TestServers:
    return _SERVERS


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipMaker:
    return ClipMaker(tmp_path_factory.mktemp("clips"))
