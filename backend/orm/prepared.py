"""Statements that run again and again."""

from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection


class PreparingCursor(psycopg.Cursor[Any]):
    """Django's own cursor writes values into the text, so that each statement is
    planned anew."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> "PreparingCursor":
        return super().execute(query, params, prepare=True)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement that the server plans only once per connection of Django.

    For statements of which every job needs several: building them with the ORM each
    time takes longer than running them. Errors are Django's.
    """

    text: str

    def row(self, **values: Any) -> tuple[Any, ...] | None:
        """The first one; None if there is none."""
        connection.ensure_connection()
        cursor = PreparingCursor(connection.connection)
        with connection._prepare_cursor(cursor) as wrapped:  # type: ignore[attr-defined]
            wrapped.execute(self.text, values)
            found: tuple[Any, ...] | None = wrapped.fetchone()
        return found
