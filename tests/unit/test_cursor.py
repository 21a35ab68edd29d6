import base64
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from backend.api.cursor import PageCursor
from backend.domain.errors import Invalid
from backend.orm.media_repository import PageStart

NIL = "00000000-0000-4000-8000-000000000000"


class Crafted:
    """Cursors that nobody here made."""

    @staticmethod
    def of(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class TestPageCursor:
    def test_it_comes_back_as_it_was(self) -> None:
        start = PageStart(datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC), uuid4())
        assert PageCursor.decode(PageCursor.encode(start)) == start

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "abc",
            "not base64!",
            "\u00e9",
            Crafted.of("2024-01-01T00:00:00+00:00"),
            Crafted.of(f"yesterday {NIL}"),
            # PostgreSQL takes no such zone.
            Crafted.of(f"2024-01-01T00:00:00+20:00 {NIL}"),
            Crafted.of(f"2024-01-01T00:00:00 {NIL}"),
            Crafted.of(f"2024-01-01 {NIL}"),
        ],
    )
    def test_anything_else_is_refused(self, cursor: str) -> None:
        with pytest.raises(Invalid):
            PageCursor.decode(cursor)
