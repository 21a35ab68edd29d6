"""The test database: always made, and emptied after each test that writes to it.

A test asks for `clean_database` instead of the mark `django_db(transaction=True)`: that
one's flush takes the built-in roles away, and costs more.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from asgiref.sync import SyncToAsync, sync_to_async
from django.apps import apps
from django.db import connection, connections, transaction
from django.db.models import BaseConstraint
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql
from pytest_django import DjangoDbBlocker

from backend.adapters.redis_hints import CACHE_DATABASE
from backend.domain.rights import BUILT_IN_ROLES
from backend.orm.database_lines import DatabaseLines
from backend.orm.database_threads import DatabaseThreads
from backend.orm.models import Role, User


class TestDatabase:
    """Brings the tables back to what the migrations left."""

    __test__ = False
    # TRUNCATE makes new files, which takes 15 times as long as to delete a few rows.
    _LARGE_BYTES = 256 * 1024
    _LARGE = """
        SELECT name FROM unnest(%s::text[]) AS name
        WHERE pg_relation_size(name::regclass) > %s
    """

    @staticmethod
    def url() -> str:
        """What a process of its own needs as its DATABASE_URL."""
        address = urlsplit(os.environ["DATABASE_URL"])
        name = connection.settings_dict["NAME"]
        return address._replace(path=f"/{name}").geturl()

    def empty(self) -> None:
        connection.close_if_unusable_or_obsolete()  # A test may have had it ended.
        with transaction.atomic(), connection.cursor() as cursor:
            # A disk that is busy may hold it up for longer than a request may wait.
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(self._LARGE, [self._tables(), self._LARGE_BYTES])
            if large := [name for (name,) in cursor.fetchall()]:
                cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
            # Whatever the order, no row is left to refer to another.
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("; ".join(map("DELETE FROM {}".format, self._tables())))
        self._forget_what_was_counted()
        Role.objects.exclude(name__in=[role.name for role in BUILT_IN_ROLES]).delete()
        self.restore_roles()

    @staticmethod
    def _tables() -> list[str]:
        return [
            connection.ops.quote_name(model._meta.db_table)
            for model in apps.get_models()
            if model._meta.app_label in ("orm", "admin", "sessions")
            and model is not Role
        ]

    @staticmethod
    def _forget_what_was_counted() -> None:
        """The cache knows of wrong passwords, by addresses that come back."""
        with redis.Redis.from_url(os.environ["REDIS_URL"], db=CACHE_DATABASE) as cache:
            cache.flushdb()

    def restore_roles(self) -> None:
        built_in = [
            Role(name=role.name, built_in=True, rights=sorted(role.rights))
            for role in BUILT_IN_ROLES
        ]
        Role.objects.bulk_create(
            built_in,
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["built_in", "rights"],
        )

    @sync_to_async
    def write_role(self, name: str, rights: list[str]) -> None:
        Role.objects.update_or_create(name=name, defaults={"rights": rights})

    @sync_to_async
    def delete_users(self) -> None:
        User.objects.all().delete()

    @contextmanager
    def without_table(self, name: str) -> Iterator[None]:
        """Take a table away, as if a migration had not been run."""
        self._rename(name, f"{name}_away")
        try:
            yield
        finally:
            self._rename(f"{name}_away", name)

    @asynccontextmanager
    async def without_check(self, table: str, name: str) -> AsyncIterator[None]:
        """Take a CHECK constraint away, as a later version with more rights would."""
        constraint = next(
            constraint
            for constraint in apps.get_model("orm", table)._meta.constraints
            if constraint.name == name
        )
        await self._alter("remove_constraint", table, constraint)
        yield
        await self._alter("add_constraint", table, constraint)

    @asynccontextmanager
    async def read_only(self) -> AsyncIterator[None]:
        """As a standby after a failover, to whoever asks within."""
        await self._have_all_connect_anew("SET default_transaction_read_only = on")
        try:
            yield
        finally:
            await self._have_all_connect_anew("RESET default_transaction_read_only")

    @asynccontextmanager
    async def cutting_whoever_waits_for(self, table: str) -> AsyncIterator[None]:
        """Lock the table and end the first connection that waits for it."""
        locked = threading.Event()
        cutting = asyncio.create_task(asyncio.to_thread(self._cut, table, locked))
        await asyncio.to_thread(locked.wait, 10)
        yield
        await cutting

    @staticmethod
    def _cut(table: str, locked: threading.Event) -> None:
        name = connection.ops.quote_name(table)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {name}")
                locked.set()
                until = time.monotonic() + 30
                while time.monotonic() < until:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks "
                        "WHERE NOT granted AND relation = %s::regclass",
                        [name],
                    )
                    if cursor.fetchall():
                        return
        finally:
            connection.close()

    @classmethod
    async def _have_all_connect_anew(cls, change: str) -> None:
        await asyncio.to_thread(cls._change, change)
        await sync_to_async(connections.close_all)()

    @classmethod
    def _change(cls, change: str) -> None:
        """Of the database; whoever is connected would not hear of it."""
        writing = "-c default_transaction_read_only=off"
        with psycopg.connect(cls.url(), autocommit=True, options=writing) as session:
            name = sql.Identifier(session.info.dbname)
            session.execute(sql.SQL("ALTER DATABASE {} " + change).format(name))
            session.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND backend_type = 'client backend'"
            )

    @staticmethod
    def _rename(old: str, new: str) -> None:
        names = connection.ops.quote_name(old), connection.ops.quote_name(new)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE {} RENAME TO {}".format(*names))

    @sync_to_async
    def _alter(self, change: str, table: str, constraint: BaseConstraint) -> None:
        with connection.schema_editor() as editor:
            getattr(editor, change)(apps.get_model("orm", table), constraint)


@contextmanager
def unhurried() -> Iterator[None]:
    """To make or drop a whole database takes longer than a request may wait for one."""
    options = connection.settings_dict["OPTIONS"]
    hurried = options["options"]
    options["options"] = f"{hurried} -c statement_timeout=0"
    try:
        yield
    finally:
        connection.close()
        options["options"] = hurried


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Replaces pytest-django's, which makes a database for marked tests only."""
    with django_db_blocker.unblock(), unhurried():
        databases = setup_databases(
            verbosity=0,
            interactive=False,
            aliases={"default"},
            serialized_aliases={"default"},
        )
    yield
    # The thread on which Django's async ORM works keeps its connection otherwise.
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()
    with django_db_blocker.unblock(), unhurried():
        teardown_databases(databases, verbosity=0)


@pytest.fixture
def clean_database(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[TestDatabase]:
    database = TestDatabase()
    with django_db_blocker.unblock():
        database.restore_roles()
        yield database
        database.empty()


@pytest.fixture(scope="session")
def database_threads(django_db_setup: None) -> Iterator[DatabaseThreads]:
    threads = DatabaseThreads()
    yield threads
    threads.close()


@pytest.fixture
async def database_lines(django_db_setup: None) -> AsyncIterator[DatabaseLines]:
    lines = DatabaseLines()
    yield lines
    await lines.close()
