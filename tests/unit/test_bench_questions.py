from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bench.load import LoadFailed, Target, Turns
from bench.processes import Processes
from bench.questions import MATCHES, Equivalence, Pages, Question
from bench.scale import FULL, QUICK, Scale
from bench.trial import NotEquivalent

NOBODY = Processes([])
SEARCH = Question("search", "/search?title=a", ["/search?title=b"], is_ranked=True)
LIST = Question("GET list of 20", "/media/", ["/media/?limit=20"])


def target(name: str) -> Target:
    return Target(name, f"http://{name}", {}, NOBODY, NOBODY)


def page(*names: str) -> Mapping[str, Any]:
    return {"items": [{"uuid": name} for name in names]}


class TestPages:
    @pytest.mark.parametrize("scale", [FULL, QUICK])
    def test_there_are_as_many_cold_paths_as_media(self, scale: Scale) -> None:
        pages = Pages(scale.read_rows)
        for paths in (pages.searches(), list(pages.lists())):
            assert len(set(paths)) == len(paths) == scale.read_rows

    def test_a_search_shows_all_of_its_matches(self) -> None:
        for path in Pages(1_000).searches():
            [limit] = parse_qs(urlsplit(path).query)["limit"]
            assert MATCHES <= int(limit) <= 100

    def test_totals_of_a_quarter_of_all_lists_are_counted(self) -> None:
        lists = list(Pages(1_000).lists())
        assert sum("created_after" in path for path in lists) == 250


class TestTurns:
    PATHS = ("a", "b", "c", "d")

    def test_paths_may_come_round_when_answers_are_forgotten(self) -> None:
        turns = Turns(self.PATHS, apart_seconds=3)
        for began in (0, 5, 10):
            turns.taken(began, began + 1, 4)

    def test_round_of_a_single_run_is_too_early(self) -> None:
        with pytest.raises(LoadFailed, match="4 paths are too few: 5 were asked for"):
            Turns(self.PATHS, apart_seconds=3).taken(0, 1, 5)

    def test_round_of_several_runs_is_too_early(self) -> None:
        turns = Turns(self.PATHS, apart_seconds=3)
        turns.taken(0, 1, 2)
        turns.taken(1, 2, 2)
        with pytest.raises(LoadFailed, match="too few"):
            turns.taken(2, 3, 2)

    def test_what_may_be_in_cache_comes_again_and_again(self) -> None:
        Turns(["a"]).taken(0, 1, 1_000)


class TestEquivalence:
    @pytest.fixture
    def answers(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapping[str, Any]]:
        answers: dict[str, Mapping[str, Any]] = {}
        monkeypatch.setattr(
            Equivalence, "_answer", staticmethod(lambda asked, _: answers[asked.name])
        )
        return answers

    @pytest.mark.parametrize("question", [LIST, SEARCH])
    def test_same_pages_are_the_same(
        self, question: Question, answers: dict[str, Mapping[str, Any]]
    ) -> None:
        answers.update(ours=page("1", "2"), theirs=page("1", "2"))
        Equivalence().check(target("ours"), target("theirs"), question)

    def test_list_has_an_order(self, answers: dict[str, Mapping[str, Any]]) -> None:
        answers.update(ours=page("1", "2"), theirs=page("2", "1"))
        with pytest.raises(NotEquivalent):
            Equivalence().check(target("ours"), target("theirs"), LIST)

    def test_search_may_have_another(
        self, answers: dict[str, Mapping[str, Any]]
    ) -> None:
        answers.update(ours=page("1", "2"), theirs=page("2", "1"))
        Equivalence().check(target("ours"), target("theirs"), SEARCH)

    @pytest.mark.parametrize("theirs", [page("1", "3"), page("1"), page()])
    def test_search_finds_the_same(
        self, theirs: Mapping[str, Any], answers: dict[str, Mapping[str, Any]]
    ) -> None:
        answers.update(ours=page("1", "2"), theirs=theirs)
        with pytest.raises(NotEquivalent):
            Equivalence().check(target("ours"), target("theirs"), SEARCH)
