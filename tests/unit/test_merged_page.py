"""Two sorted sides are compared whole by pages, whatever they hold."""

from hypothesis import given
from hypothesis import strategies as st

from backend.use_cases.comparisons.base import MergedPage

Side = dict[str, int]
sides = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 3))


class Walk:
    """What is met, and how, when both sides are read so many entries at a time."""

    def __init__(self, held: Side, known: Side, most: int) -> None:
        self._held, self._known, self._most = held, known, most
        self.unowned: Side = {}
        self.missing: Side = {}
        self.both: dict[str, tuple[int, int]] = {}
        self.largest = 0

    def whole(self) -> "Walk":
        after: str | None = ""
        while after is not None:
            page = MergedPage[int, int].of(
                self._read(self._held, after),
                self._read(self._known, after),
                self._most,
            )
            self._meet(page)
            assert page.until is None or page.until > after
            after = page.until
        return self

    def _read(self, side: Side, after: str) -> Side:
        keys = sorted(key for key in side if key > after)[: self._most]
        return {key: side[key] for key in keys}

    def _meet(self, page: MergedPage[int, int]) -> None:
        self.largest = max(self.largest, page.compared)
        self.unowned |= page.unowned
        for key, known in page.known.items():
            if key in page.held:
                self.both[key] = page.held[key], known
            else:
                self.missing[key] = known


class TestMergedPage:
    @given(sides, sides, st.integers(1, 4))
    def test_pages_tell_what_a_comparison_at_once_would(
        self, held: Side, known: Side, most: int
    ) -> None:
        walk = Walk(held, known, most).whole()
        assert walk.unowned == {k: v for k, v in held.items() if k not in known}
        assert walk.missing == {k: v for k, v in known.items() if k not in held}
        assert walk.both == {k: (held[k], known[k]) for k in held if k in known}
        assert walk.largest <= 2 * most

    def test_a_page_ends_where_the_first_side_may_go_on(self) -> None:
        held, known = {"a": 1, "b": 1}, {"a": 1, "c": 1}
        page = MergedPage[int, int].of(held, known, 2)
        assert (page.until, page.compared) == ("b", 2)
