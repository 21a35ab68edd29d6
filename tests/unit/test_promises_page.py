"""What the promises are proven by is there."""

import re

import pytest

from tests.named_tests import ROOT, NamedTests

PAGE = (ROOT / "docs" / "promises.md").read_text()
CHAPTERS = dict(
    re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
)


class TestPromisesPage:
    def test_each_promise_has_its_chapter(self) -> None:
        assert [title[:2] for title in CHAPTERS if title != "Intervals"] == [
            f"P{number}" for number in range(1, 8)
        ]

    def test_every_test_that_is_named_exists(self) -> None:
        named = tuple(re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE))
        assert named
        assert NamedTests.missing(named) == []

    @pytest.mark.parametrize(
        "title", [t for t in CHAPTERS if t[:2] in {"P1", "P2", "P3", "P7"}]
    )
    def test_each_mechanism_has_a_test(self, title: str) -> None:
        rows = re.findall(
            r"^\| (?!Mechanism|---)(.+) \|$", CHAPTERS[title], re.MULTILINE
        )
        assert rows
        assert [row for row in rows if "`tests/" not in row] == []

    def test_every_file_that_is_named_exists(self) -> None:
        places = re.findall(
            r"`((?:actors|adapters|use_cases|orm|odm|domain|api|config|fleet)/[\w./]*)`",
            PAGE,
        )
        assert [p for p in set(places) if not (ROOT / "backend" / p).exists()] == []
