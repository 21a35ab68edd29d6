"""Headless Chromium, and what it may reach."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    sync_playwright,
)

from tests.client_system import ClientFailed


class Chromium:
    """Debian's Chromium, or the one that `CHROMIUM` names; it speaks to this machine only."""

    USUAL = "/usr/bin/chromium"
    FLAGS = (
        # Nothing of its own: no updates, no reports, no first steps, no accounts.
        *("--disable-background-networking", "--disable-component-update"),
        *("--disable-domain-reliability", "--disable-sync", "--no-first-run"),
        *("--disable-default-apps", "--no-pings", "--metrics-recording-only"),
        # And no name is looked up: only numbers of this machine lead anywhere.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    )

    def __init__(self, environment: Mapping[str, str], net_log: Path) -> None:
        self._path = environment.get("CHROMIUM") or self.USUAL
        self._net_log = net_log

    @contextmanager
    def running(self) -> Iterator[Browser]:
        """Raises `ClientFailed` where there is none."""
        if shutil.which(self._path) is None:
            raise ClientFailed(
                f"There is no Chromium at {self._path}: apt-get install chromium, "
                "or name yours with CHROMIUM=path."
            )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=self._path, args=self._flags()
            )
            try:
                yield browser
            finally:
                browser.close()

    def _flags(self) -> Sequence[str]:
        # Chromium refuses its sandbox to root, who runs it in containers.
        unboxed = ["--no-sandbox"] if os.geteuid() == 0 else []
        return [*self.FLAGS, *unboxed, f"--log-net-log={self._net_log}"]


class Witness:
    """Sees every request, every console message and every error of the pages of a context."""

    HARMLESS = ("data", "blob", "about")

    def __init__(self, context: BrowserContext) -> None:
        self.requested: list[str] = []
        self.complaints: list[str] = []
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("console", self._message)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("page", self._page)

    def strays(self, *allowed: str) -> list[str]:
        """Requests to anywhere but these origins."""
        return [url for url in self.requested if not self._is_within(url, allowed)]

    def _is_within(self, url: str, allowed: Sequence[str]) -> bool:
        parts = urlsplit(url)
        return (
            parts.scheme in self.HARMLESS
            or f"{parts.scheme}://{parts.netloc}" in allowed
        )

    def _request(self, request: Request) -> None:
        self.requested.append(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def _message(self, message: ConsoleMessage) -> None:
        where = message.location["url"]
        # A picture that is opened by itself names no icon, so Chromium looks for one.
        is_for_icon = urlsplit(where).path == "/favicon.ico"
        if message.type in ("error", "warning") and not is_for_icon:
            self.complaints.append(f"{message.type}: {message.text} ({where})")

    def _page(self, page: Page) -> None:
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        self.complaints.append(f"failed: {request.url} {request.failure}")
