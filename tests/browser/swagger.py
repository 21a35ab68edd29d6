"""Swagger UI as a person uses it: by what is to be seen on the page."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect


class Operation:
    """One operation of the page, expanded and ready to be tried out."""

    def __init__(self, block: Locator) -> None:
        self._block = block

    def open(self) -> "Operation":
        self._block.locator(".opblock-summary-control").click()
        self._block.get_by_role("button", name="Try it out").click()
        return self

    def close(self) -> None:
        self._block.locator(".opblock-summary-control").click()
        expect(self._block.locator(".opblock-body")).to_have_count(0)

    def write_body(self, body: dict[str, Any]) -> "Operation":
        self._block.locator("textarea.body-param__text").fill(
            json.dumps(body, indent=2)
        )
        return self

    def write_path(self, value: str) -> "Operation":
        """Into the one parameter of the path."""
        self._block.locator('tr[data-param-in="path"] input').fill(value)
        return self

    def write_field(self, name: str, value: str) -> "Operation":
        """In a field of a form."""
        self._field(name).locator("input[type=text], textarea").first.fill(value)
        return self

    def choose_file(self, name: str, path: Path) -> "Operation":
        """By the picker that opens on a click."""
        with self._block.page.expect_file_chooser() as chooser:
            self._field(name).locator("input[type=file]").click()
        chooser.value.set_files(path)
        return self

    def execute(self) -> "Answer":
        self._block.get_by_role("button", name="Execute").click()
        return Answer(self._block.locator(".live-responses-table .response").first)

    def _field(self, name: str) -> Locator:
        return self._block.locator(f'tr[data-property-name="{name}"]')


class Answer:
    """The answer of the server, as the page shows it."""

    def __init__(self, row: Locator) -> None:
        self._row = row

    def expect_status(self, *statuses: int) -> "Answer":
        shown = re.compile(rf"^\s*({'|'.join(map(str, statuses))})\b")
        expect(self._row.locator(".response-col_status")).to_have_text(shown)
        return self

    def scroll_to(self) -> "Answer":
        """Bring it to where a person looks at it."""
        self._row.evaluate("row => row.scrollIntoView({block: 'center'})")
        return self

    def shown_json(self) -> dict[str, Any]:
        """What a person would copy."""
        code = self._row.locator(".response-col_description pre code").first
        body: dict[str, Any] = json.loads(code.inner_text())
        return body


class Swagger:
    """The page at `/docs`."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self._base_url = base_url

    def visit(self) -> "Swagger":
        expect.set_options(timeout=30_000)
        self.page.goto(f"{self._base_url}/docs")
        expect(self.page.locator(".opblock").first).to_be_visible()
        return self

    def operation(self, method: str, path: str) -> Operation:
        """By its path, in which `{}` stands for a parameter of any name."""
        paths = self.page.locator(f".opblock-{method.lower()} .opblock-summary-path")
        shown = paths.evaluate_all("all => all.map(one => one.dataset.path)")
        wanted = re.compile(re.escape(path).replace(r"\{\}", r"\{\w+\}"))
        found = [one for one in shown if wanted.fullmatch(one)]
        assert len(found) == 1, f"{method} {path} is not shown once: {shown}"
        summary = self.page.locator(f'.opblock-summary-path[data-path="{found[0]}"]')
        block = self.page.locator(f".opblock.opblock-{method.lower()}")
        return Operation(block.filter(has=summary))

    def authorize(self, access: str) -> None:
        self.page.get_by_role("button", name="Authorize").first.click()
        dialog = self.page.locator(".modal-ux")
        dialog.get_by_role("textbox").fill(access)
        dialog.get_by_text("Authorize", exact=True).click()
        expect(dialog.get_by_text("Logout", exact=True)).to_be_visible()
        dialog.get_by_text("Close", exact=True).click()
        expect(self.page.locator(".auth-wrapper .authorize.locked")).to_be_visible()
