"""An upgrade without downtime: the release before serves while the new one migrates.

The order is that of docs/deploy.md: migrations, workers, API.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from backend.embedded.stack import (
    ApiApplication,
    Application,
    EmbeddedServers,
    EmbeddedStack,
)
from backend.embedded.supervisor import Silence, SupervisedProcess
from tests.e2e.client import Client
from tests.e2e.traffic import Aftermath, Traffic
from tests.e2e.videos import Videos
from tests.faults.base_release import BaseRelease
from tests.faults.oracle import Oracle
from tests.faults.stores import Stores
from tests.ports import TestPorts


class BusyTraffic(Traffic):
    """Changes and searches too, and any answer that tells of a fault is counted.

    What is looked for happens at any load, so the servers are left room for two releases.
    """

    PAUSE_SECONDS = 0.5
    UPLOAD_PAUSE_SECONDS = 1.0

    @property
    def kinds(self) -> dict[str, Callable[[Client], httpx.Response]]:
        media = f"/media/{self._uuid}/"
        return {
            **super().kinds,
            "change": lambda client: client.http.patch(
                media, json={"title": f"At {time.monotonic()}"}
            ),
            "search": lambda client: client.http.get("/search?title=clip"),
        }

    @property
    def faults(self) -> list[str]:
        return [
            str(answer)
            for answer in self.answers
            if answer.response is None or answer.status >= 500
        ]

    def goes_on(self, times: int = 2) -> None:
        """Each kind of request is answered well from now on."""
        self.until_each(good=True, times=times, seconds=120.0)


class NewRelease:
    """The code that is tested, process by process. Knows what a `Client` asks of a stack."""

    def __init__(
        self,
        servers: EmbeddedServers,
        environment: Mapping[str, str],
        started: ExitStack,
    ) -> None:
        self.data = servers.data
        self._launcher = servers.launcher
        self._environment = environment
        self._port = TestPorts().port("api")
        self._started = started

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start_worker(self) -> None:
        command = [sys.executable, "-m", *EmbeddedStack.WORKER]
        folder, environment = EmbeddedStack.PROJECT, self._environment
        self._start(Application("worker", command, folder, environment))

    def start_api(self) -> None:
        command = [sys.executable, "-m", *EmbeddedStack.API, str(self._port)]
        folder, environment = EmbeddedStack.PROJECT, self._environment
        self._start(ApiApplication(command, folder, environment, self._port, None))

    def _start(self, application: Application) -> None:
        application.name = f"new-{application.name}"
        process = SupervisedProcess(application, self._launcher, Silence())
        self._started.callback(process.stop)
        process.start()


class Upgrade:
    """Stores and the release before on them; the new one comes beside it."""

    def __init__(self, folder: Path) -> None:
        base = BaseRelease(folder)
        self.servers = EmbeddedServers(
            folder / "data",
            TestPorts(),
            environment={
                "STAGING_FLOOR_BYTES": "0",
                "PATH": os.environ["PATH"],
                "RECONCILE_GRACE_SECONDS": "2",
            },
        )
        self.old = EmbeddedStack(
            self.servers,
            project=base.tree,
            api_command=base.api_command,
            worker_command=base.worker_command,
        )

    def migrate(self) -> None:
        """As the new release does it."""
        for command in (("prepare",), ("migrate", "--check")):
            self._manage(*command)

    def add_columns(self) -> None:
        """What a later migration may do: a column on each table, with a default."""
        with psycopg.connect(self.servers.environment()["DATABASE_URL"]) as database:
            tables = database.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
                "AND tablename <> 'django_migrations'"
            ).fetchall()
            for (table,) in tables:
                database.execute(
                    f'ALTER TABLE "{table}" ADD added_later int NOT NULL DEFAULT 0'
                )
                # One at a time, as migrations of their own: nobody waits for them all.
                database.commit()

    @contextmanager
    def new(self) -> Iterator["NewRelease"]:
        """Nothing of it runs yet; what was started has ended after the block."""
        with ExitStack() as started:
            yield NewRelease(self.servers, self._environment, started)

    @property
    def oracle(self) -> Oracle:
        return Oracle(Stores(self.servers.environment(), self.servers.data.staging))

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.servers.given, **self.servers.environment()}

    def _manage(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, str(EmbeddedStack.PROJECT / "manage.py"), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def upgrade() -> Iterator[Upgrade]:
    folder = Path(tempfile.mkdtemp(prefix="mediaproject-upgrade-"))
    upgrade = Upgrade(folder)
    try:
        upgrade.old.start()
        yield upgrade
    finally:
        upgrade.old.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.faults
class TestUpgrade:
    @pytest.mark.timeout(900)
    def test_f53_the_release_before_serves_while_the_new_one_migrates(
        self, upgrade: Upgrade, tmp_path: Path
    ) -> None:
        videos = Videos(tmp_path)
        with upgrade.new() as new:
            with BusyTraffic(upgrade.old, videos).flowing() as before:
                before.goes_on()
                upgrade.migrate()
                upgrade.add_columns()
                before.goes_on()
                new.start_worker()
                upgrade.old.stop_process("worker")
                before.goes_on()
                new.start_api()
                with BusyTraffic(new, videos).flowing() as after:
                    after.goes_on()
                    before.goes_on()
            upgrade.old.stop_process("api")

            assert before.faults + after.faults == []
            with Client(new).signed_in("viewer") as client:
                taken = [*before.uploaded(), *after.uploaded()]
                Aftermath(client).until_ready(taken, 120.0)
            upgrade.oracle.until_content(seconds=120.0)
