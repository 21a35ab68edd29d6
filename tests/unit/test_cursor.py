import base64
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from backend.api.cursor import PageCursor
from backend.domain.errors import Invalid
from backend.orm.media_lists import TitleStart
from backend.orm.pages import PageStart

START = PageStart(datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC), uuid4())
CURSORS = PageCursor(PageStart, "newest first")


class Crafted:
    """Cursors that nobody here made."""

    @staticmethod
    def of(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    @staticmethod
    def place(cursor: str) -> bytes:
        return base64.urlsafe_b64decode(cursor + "==")[12:]


class TestPageCursor:
    def test_it_comes_back_as_it_was(self) -> None:
        assert CURSORS.decode(CURSORS.encode(START)) == START

    def test_the_longest_title_fits_in(self) -> None:
        start = TitleStart("\U0001f389" * 402, uuid4())
        cursors = PageCursor(TitleStart, "by title")
        cursor = cursors.encode(start)
        assert len(cursor) <= 3_000
        assert cursors.decode(cursor) == start

    @pytest.mark.parametrize(
        "cursor", ["", "abc", "not base64!", "\u00e9", "A" * 3_000]
    )
    def test_anything_else_is_refused(self, cursor: str) -> None:
        with pytest.raises(Invalid):
            CURSORS.decode(cursor)

    def test_nobody_else_can_make_one(self) -> None:
        place = Crafted.place(CURSORS.encode(START))
        for seal in (b"", bytes(12), place[:12]):
            with pytest.raises(Invalid):
                CURSORS.decode(Crafted.of(seal + place))

    def test_one_changed_character_is_refused(self) -> None:
        cursor = CURSORS.encode(START)
        for at in range(len(cursor)):
            other = "A" if cursor[at] != "A" else "B"
            with pytest.raises(Invalid):
                CURSORS.decode(cursor[:at] + other + cursor[at + 1 :])

    def test_its_bytes_have_one_spelling(self) -> None:
        cursor = CURSORS.encode(START)
        for other in (cursor + "=", cursor + "==", f" {cursor}", f"{cursor}\n"):
            with pytest.raises(Invalid):
                CURSORS.decode(other)

    def test_it_belongs_to_its_query(self) -> None:
        cursor = CURSORS.encode(START)
        for other in (PageCursor(PageStart, "oldest first"), PageCursor(PageStart)):
            with pytest.raises(Invalid):
                other.decode(cursor)

    def test_it_belongs_to_its_kind_of_start(self) -> None:
        with pytest.raises(Invalid):
            PageCursor(TitleStart, "newest first").decode(CURSORS.encode(START))
