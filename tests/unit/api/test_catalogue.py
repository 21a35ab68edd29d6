"""The error catalogue: complete, without doubles, and its page current."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from backend.api.http.catalogue import ErrorCatalogue, ErrorPage
from backend.api.http.errors import STATUS_BY_ERROR
from backend.domain.errors import MediaProjectError

ROOT = Path(__file__).resolve().parents[3]
Refusal = type[MediaProjectError]


class Refusals:
    """Every class of refusals in `backend/`, and where one is made."""

    @classmethod
    def all_below(cls, base: Refusal = MediaProjectError) -> Iterator[Refusal]:
        for refusal in base.__subclasses__():
            if refusal.__module__.startswith("backend."):
                yield refusal
            yield from cls.all_below(refusal)

    @classmethod
    def raised(cls) -> Iterator[tuple[str, str]]:
        """Name and place of whatever is raised or called in the code."""
        for path in (ROOT / "backend").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                name = cls._name(node)
                if name:
                    line = getattr(node, "lineno", 0)
                    yield name, f"{path.relative_to(ROOT)}:{line}"

    @staticmethod
    def _name(node: ast.AST) -> str:
        match node:
            case ast.Raise(exc=ast.Name(id=name)) | ast.Call(func=ast.Name(id=name)):
                return name
        return ""


class TestErrorCatalogue:
    def test_no_code_stands_twice(self) -> None:
        assert Counter(ErrorCatalogue().codes).most_common(1)[0][1] == 1

    def test_no_title_stands_twice(self) -> None:
        titles = Counter(entry.title for entry in ErrorCatalogue())
        assert titles.most_common(1)[0][1] == 1

    def test_every_code_of_the_backend_is_in_it(self) -> None:
        known = {error.code for error in Refusals.all_below() if hasattr(error, "code")}
        assert known == set(ErrorCatalogue().codes)

    def test_every_field_is_said(self) -> None:
        for entry in ErrorCatalogue():
            assert entry.title[0].isupper(), entry
            assert not entry.title.endswith("."), entry
            assert entry.advice.endswith("."), entry
            assert isinstance(entry.retryable, bool), entry
            assert 400 <= entry.status < 600, entry

    def test_a_usual_detail_adds_to_the_title(self) -> None:
        for error in Refusals.all_below():
            if error.usual_detail:
                assert error.usual_detail.endswith("."), error
                assert error.usual_detail.rstrip(".") != error.title, error

    def test_a_kind_without_a_code_is_never_raised(self) -> None:
        kinds = {e.__name__ for e in Refusals.all_below() if not hasattr(e, "code")}
        assert [place for name, place in Refusals.raised() if name in kinds] == []

    def test_every_status_has_an_error(self) -> None:
        used = {entry.status for entry in ErrorCatalogue()}
        assert used == set(STATUS_BY_ERROR.values())


class TestErrorPage:
    def test_the_page_is_current(self) -> None:
        page = (ROOT / "docs" / "errors.md").read_text()
        assert (
            page == ErrorPage(ErrorCatalogue()).rendered()
        ), "run `python manage.py write_error_page`"
