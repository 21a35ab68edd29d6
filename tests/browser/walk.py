"""A way through the pages that a person goes, and what is asked of every one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from backend.embedded.console import Console
from tests.browser.chromium import Witness
from tests.client_system import System


class Walk(ABC):
    """Goes its way in a browser profile of its own; a failed assertion ends it.

    Nothing may complain on the way, and nothing but the API and the addresses that it
    shows may be asked for anything.
    """

    name: ClassVar[str]
    SIZE: ClassVar[ViewportSize] = {"width": 1280, "height": 1000}

    def __init__(self, system: System, console: Console, folder: Path) -> None:
        self.system = system
        self._console = console
        self.folder = folder
        self._shown_origins: set[str] = set()

    @abstractmethod
    def go(self, page: Page) -> None:
        """Every step, in its order."""

    def execute(self, browser: Browser) -> None:
        with browser.new_context(viewport=self.SIZE) as context:
            self._witnessed(context)

    def origins(self) -> Sequence[str]:
        """What may be reached: the API, and the CDN origin once it was shown."""
        return [self.system.base_url, *self._shown_origins]

    def allow(self, origin: str) -> None:
        self._shown_origins.add(origin)

    def step(self, done: str) -> None:
        self._console.say(f"  {self.name}: {done}.")

    def picture(self, page: Page, name: str) -> None:
        page.screenshot(path=self.folder / f"{self.name}-{name}.png")

    def _witnessed(self, context: BrowserContext) -> None:
        witness = Witness(context)
        page = context.new_page()
        try:
            self.go(page)
        except BaseException:
            self.picture(page, "failed")
            raise
        self._judge(witness)

    def _judge(self, witness: Witness) -> None:
        strays = witness.strays(*self.origins())
        assert witness.requested, "no request was seen at all"
        assert not strays, f"asked elsewhere: {strays}"
        assert not witness.complaints, f"the browser complained: {witness.complaints}"
