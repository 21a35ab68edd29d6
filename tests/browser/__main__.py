"""`make browser`."""

import os
import shutil
import sys
from urllib.parse import urlsplit

from playwright.sync_api import Error

from backend.embedded.console import Console
from tests.browser.chromium import Chromium
from tests.browser.docs_walks import DocsWalk, NarrowWalk
from tests.browser.net_log import NetLog
from tests.browser.walk import Walk
from tests.client_system import BUILD, ClientFailed, ClientProgram, System


class Walks:
    """Goes every walk in one browser, and looks at what the browser did beside them."""

    ALL: tuple[type[Walk], ...] = (DocsWalk, NarrowWalk)
    SHOWN_LINES = 20
    FOLDER = BUILD / "browser"

    def __init__(self, console: Console, system: System) -> None:
        self._console = console
        self._walks = [walk(system, console, self.FOLDER) for walk in self.ALL]
        self._net_log = self.FOLDER / "net-log.json"

    @classmethod
    def run(cls, console: Console, system: System) -> int:
        try:
            cls(console, system).execute()
        except (AssertionError, Error) as error:
            raise ClientFailed(f"The walk failed: {cls._head(error)}") from error
        return 0

    @classmethod
    def _head(cls, error: Exception) -> str:
        """Without the tree of the whole page, which playwright adds."""
        return "\n".join(str(error).splitlines()[: cls.SHOWN_LINES])

    def execute(self) -> None:
        """Raises `AssertionError`, playwright's `Error` and `ClientFailed`."""
        shutil.rmtree(self.FOLDER, ignore_errors=True)
        self.FOLDER.mkdir(parents=True)
        with Chromium(os.environ, self._net_log).running() as browser:
            for walk in self._walks:
                walk.execute(browser)
        self._expect_local()
        self._console.say(f"Pictures are in {self.FOLDER}.")

    def _expect_local(self) -> None:
        """Nothing that the browser did by itself left the machine either."""
        log = NetLog(self._net_log)
        allowed = {
            urlsplit(url).netloc for walk in self._walks for url in walk.origins()
        }
        strays = log.connections() - allowed
        assert log.connections(), "Chromium kept no record of its connections"
        assert not strays, f"Chromium connected to {strays}"
        assert not log.packets(), "Chromium looked a name up or sent a datagram"
        self._console.say("  No request left the machine.")


if __name__ == "__main__":
    sys.exit(ClientProgram("browser", Walks.run).execute())
