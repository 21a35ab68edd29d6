"""`prepare` on stores that are in use."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate

from tests.database import TestDatabase


class SlowMigration:
    """A statement that takes longer than any request may wait for one."""

    SECONDS = 4

    def __init__(self) -> None:
        self.is_done = False

    def run(self, **_: object) -> None:
        if self.is_done:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [self.SECONDS])
        self.is_done = True


@pytest.fixture
def slow_migration(clean_database: TestDatabase) -> Iterator[SlowMigration]:
    slow = SlowMigration()
    pre_migrate.connect(slow.run)
    yield slow
    pre_migrate.disconnect(slow.run)


class TestPrepare:
    def test_a_migration_takes_as_long_as_it_needs_and_nothing_later_does(
        self, slow_migration: SlowMigration
    ) -> None:
        call_command("prepare", verbosity=0)

        assert slow_migration.is_done
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchall() == [("3500ms",)]
