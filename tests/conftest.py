"""The real servers of a run, whose addresses Django's settings need first of all.

A run may be shared out among processes: each has servers of its own.
"""

import os
import shutil
import tempfile
from pathlib import Path

import django
import pytest
import xdist
from xdist.remote import Producer
from xdist.workermanage import WorkerController

from tests.clips import ClipMaker
from tests.lanes import Lanes
from tests.quiet import Quiet
from tests.servers import TestServers

_FOLDER = Path(tempfile.mkdtemp(prefix="mediaproject-tests-"))
_SERVERS = TestServers(_FOLDER)
os.environ.update(_SERVERS.environment)
django.setup()

pytest_plugins = [
    "tests.accounts",
    "tests.account_api",
    "tests.admin_http",
    "tests.database",
    "tests.freshness",
    "tests.media_http",
    "tests.passwords",
    "tests.recorded_uploads",
]


def pytest_configure(config: pytest.Config) -> None:
    if shared := getattr(config, "workerinput", None):
        config.pluginmanager.register(Quiet(Path(shared["run_folder"])))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The process that only shares tests out needs no servers.

    Others inherit its environment, where pytest-django would find it before they are here.
    """
    if xdist.is_xdist_controller(session):
        del os.environ["DJANGO_SETTINGS_MODULE"]
    else:
        _SERVERS.start()


def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["run_folder"] = str(_FOLDER)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    return Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    Lanes.sort(items)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Not later: a process that says it has finished is killed if it lives on for long."""
    _SERVERS.stop()


def pytest_unconfigure() -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def servers() -> TestServers:
    return _SERVERS


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipMaker:
    return ClipMaker(tmp_path_factory.mktemp("clips"))
