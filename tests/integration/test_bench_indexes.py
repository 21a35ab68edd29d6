"""Peers of the bench search titles by an index, as whoever knows them would have it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from backend.orm.models import Media
from bench.peers.environment import PeerEnvironment
from bench.readers import DrfReader, FastApiReader, Reader

pytestmark = pytest.mark.usefixtures("clean_database")


@contextmanager
def indexed(kind: type[Reader]) -> Iterator[None]:
    place = connection.get_connection_params()
    address = make_conninfo(
        **{name: place[name] for name in ("host", "user", "dbname")}
    )
    with kind(PeerEnvironment(Path("nowhere")), address).indexed():
        yield


def plan(sql: str) -> str:
    """However few rows there are, none is looked at that an index can leave out."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN {sql}")
        lines = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    return lines


class TestIndexOfAPeer:
    def test_serves_icontains_of_django(self) -> None:
        query = Media.objects.filter(title__icontains="tram").query
        with connection.cursor() as cursor:
            sql = cursor.mogrify(*query.sql_with_params())
        with indexed(DrfReader):
            assert "Index Scan on peers_title" in plan(sql)
        assert "peers_title" not in plan(sql)

    def test_serves_ilike_of_sqlalchemy(self) -> None:
        sql = "SELECT * FROM media WHERE title ILIKE '%tram%'"
        with indexed(FastApiReader):
            assert "Index Scan on peers_title" in plan(sql)
