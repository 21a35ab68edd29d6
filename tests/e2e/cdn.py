"""What stands in front of the object store of a stack."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass(frozen=True)
class Purge:
    """One file that the CDN was told to forget, and how the origin answered then."""

    address: str
    origin_status: int


class Cdn(ThreadingHTTPServer):
    """Takes purges as Cloudflare does."""

    TOKEN = "a-token-of-the-cdn"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CdnRequest)
        self.purges: list[Purge] = []
        self.requests = 0
        self.answer = HTTPStatus.OK

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/zones/1/purge_cache"

    @property
    def settings(self) -> dict[str, str]:
        return {"CDN_PURGE_URL": self.address, "CDN_PURGE_TOKEN": self.TOKEN}

    @contextmanager
    def refusing(self, status: HTTPStatus) -> Iterator[None]:
        self.answer = status
        try:
            yield
        finally:
            self.answer = HTTPStatus.OK

    def of(self, address: str) -> list[Purge]:
        return [purge for purge in self.purges if purge.address == address]

    def forget(self, files: list[str]) -> None:
        """A CDN would fetch what it has forgotten again, if it were still there."""
        for address in files:
            status = httpx.get(address, trust_env=False).status_code
            self.purges.append(Purge(address, status))


class CdnRequest(BaseHTTPRequestHandler):
    server: Cdn

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        status = self._status()
        if status is HTTPStatus.OK:
            self.server.forget(json.loads(body)["files"])
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.address)
        # Some show what they were sent.
        echo = f"Authorization: {self.headers['Authorization']}".encode()
        self.send_header("Content-Length", str(len(echo)))
        self.end_headers()
        self.wfile.write(echo)

    def _status(self) -> HTTPStatus:
        if self.headers["Authorization"] != f"Bearer {Cdn.TOKEN}":
            return HTTPStatus.FORBIDDEN
        return self.server.answer

    def log_request(self, *_: object) -> None:
        pass
