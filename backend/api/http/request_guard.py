"""Checks of a request that do not depend on its path."""

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from django.http.request import split_domain_port, validate_host

from backend.api.http.asgi import AsgiApp, Receive, Scope, Send
from backend.api.http.errors import Problems
from backend.domain.errors import Malformed

LONGEST_URL = 16 * 1024
MOST_REMEMBERED_HOSTS = 1_000
# Health checks may use any address of a process; the answer is the same for all.
OF_ANY_HOST = frozenset({"/health/live/", "/health/ready/"})


class RequestGuard:
    """Refuses foreign hosts, overlong addresses, and query strings that are not
    UTF-8."""

    def __init__(
        self, app: AsgiApp, allowed_hosts: Sequence[str], problems: Problems
    ) -> None:
        self._app = app
        self._allowed = allowed_hosts
        self._problems = problems
        self._known: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
        except Malformed as error:
            await self._problems.send(error, scope, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        self._check_host(hosts, of_any=scope["path"] in OF_ANY_HOST)
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
            raise Malformed(f"An address may have {LONGEST_URL} characters.")
        if b"%" in scope["query_string"]:
            self._check_text(scope["query_string"])

    def _check_host(self, hosts: Sequence[bytes], *, of_any: bool) -> None:
        if not hosts and of_any:
            return  # HTTP/1.0 needs none.
        if len(hosts) != 1:
            raise Malformed("One Host header is needed.")
        if hosts[0] not in self._known and not of_any:
            self._learn(hosts[0])

    @staticmethod
    def _check_text(query: bytes) -> None:
        """Django would replace invalid bytes by other characters."""
        try:
            unquote_to_bytes(query).decode()
        except UnicodeDecodeError:
            raise Malformed("The query string must be UTF-8.") from None

    def _learn(self, host: bytes) -> None:
        domain, _ = split_domain_port(host.decode("latin-1"))
        if not domain or not validate_host(domain, self._allowed):
            raise Malformed("This host is not served here.")
        if len(self._known) < MOST_REMEMBERED_HOSTS:
            self._known.add(host)
