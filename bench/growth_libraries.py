"""Libraries of several sizes, each behind an API of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg import sql

from backend.embedded.ports import FreePorts
from backend.embedded.stack import EmbeddedServers
from bench.api import PROJECT, OurApi
from bench.library import Library, TaggedTitles
from bench.trial import NotEquivalent

# Nobody listens there: what is asked of Redis is made from PostgreSQL.
NOBODY = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "MONGO_URL": "mongodb://127.0.0.1:1/media",
    "S3_ENDPOINT_URL": "http://127.0.0.1:1",
}
# To make a large library takes longer than a token lasts by default.
OPEN = {"SIGNUP": "open", "ACCESS_TOKEN_SECONDS": "86400"}
ACCOUNT = {"email": "bench@example.org", "password": "correct horse battery"}
LIMIT = 10
FAR_PAGE = 1_000
# As many as a page shows: to turn over ten at a time would take longer than it is timed.
MOST = 100


class GrownLibrary:
    """Asks one API of one library."""

    FEW = f"search with {TaggedTitles.MATCHES} matches"
    MANY = "search with 10 % matches, capped"
    WAYS = ("list page 1", f"list page {FAR_PAGE:,}", FEW, MANY)

    def __init__(self, http: httpx.Client, rows: int, pids: Sequence[int]) -> None:
        """`pids` are the processes that answer."""
        self._http = http
        self.rows = rows
        self.pids = pids
        self._far_cursor = ""

    def prepare(self) -> None:
        """Turns over to the far page. Raises `NotEquivalent`."""
        before = (FAR_PAGE - 1) * LIMIT
        cursor: str | None = None
        for first in range(0, before, MOST):
            limit = min(MOST, before - first)
            cursor = self._page("/media/", limit, cursor=cursor)["next"]
        self._far_cursor = cursor or ""
        for number in range(3):
            total = self._page("/search", title=TaggedTitles.tag(number))["total"]
            if total != TaggedTitles.MATCHES:
                raise NotEquivalent(f"{total} titles match at {self.rows:,} media")

    def ask(self, way: str, number: int) -> None:
        """Raises `NotEquivalent` if the page is not full."""
        if way == self.FEW:
            page = self._page("/search", title=TaggedTitles.tag(number))
        elif way == self.MANY:
            page = self._page("/search", title=TaggedTitles.COMMON)
        else:
            cursor = None if way == self.WAYS[0] else self._far_cursor
            page = self._page("/media/", cursor=cursor)
        if len(page["items"]) != LIMIT:
            raise NotEquivalent(f"{way} shows {len(page['items'])} media")

    def _page(
        self, path: str, limit: int = LIMIT, **parameters: str | None
    ) -> dict[str, Any]:
        given = {name: value for name, value in parameters.items() if value}
        answer = self._http.get(path, params={**given, "limit": str(limit)})
        page: dict[str, Any] = answer.raise_for_status().json()
        return page


class Libraries:
    """One PostgreSQL with a database for each size."""

    def __init__(self, environment: Mapping[str, str], postgres: int) -> None:
        self._environment = environment
        self._postgres = postgres

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator["Libraries"]:
        servers = EmbeddedServers(
            folder / "libraries",
            FreePorts(),
            environment={**NOBODY, "PATH": os.environ["PATH"]},
        )
        try:
            environment = servers.start()
            variables = {**os.environ, **environment, **NOBODY, **OPEN}
            yield cls(variables, servers.pid("postgres") or 0)
        finally:
            servers.stop()
            shutil.rmtree(folder / "libraries", ignore_errors=True)

    @contextmanager
    def grown(self, rows: int) -> Iterator[GrownLibrary]:
        environment = {**self._environment, "DATABASE_URL": self._made(f"of_{rows}")}
        self._manage(environment, "migrate", "--verbosity", "0")
        with (
            OurApi.running(environment) as server,
            httpx.Client(base_url=server.url, trust_env=False, timeout=60.0) as http,
        ):
            self._sign_in(http)
            library = Library(environment["DATABASE_URL"])
            library.fill(TaggedTitles(rows))
            grown = GrownLibrary(http, rows, [server.pid, self._postgres])
            grown.prepare()
            yield grown

    def _made(self, name: str) -> str:
        """A new database; answers its address."""
        address = self._environment["DATABASE_URL"]
        with psycopg.connect(address, autocommit=True) as connection:
            named = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            connection.execute(named)
        return urlsplit(address)._replace(path=f"/{name}").geturl()

    @staticmethod
    def _manage(environment: Mapping[str, str], *words: str) -> None:
        command = [sys.executable, str(PROJECT / "manage.py"), *words]
        subprocess.run(command, env=dict(environment), check=True)

    @staticmethod
    def _sign_in(http: httpx.Client) -> None:
        http.post("/auth/signup/", json=ACCOUNT).raise_for_status()
        tokens = http.post("/auth/signin/", json=ACCOUNT).raise_for_status().json()
        http.headers["Authorization"] = f"Bearer {tokens['access']}"
