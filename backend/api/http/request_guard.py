"""What is wrong with a request whatever it asks for."""

from collections.abc import Sequence

from django.http.request import split_domain_port, validate_host

from backend.api.http.asgi import AsgiApp, Receive, Scope, Send
from backend.api.http.errors import Problems
from backend.domain.errors import Malformed

LONGEST_URL = 16 * 1024
MOST_REMEMBERED_HOSTS = 1_000


class RequestGuard:
    """Refuses hosts that are not ours and addresses of absurd length."""

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
        if len(hosts) != 1:
            raise Malformed("One Host header is needed.")
        if hosts[0] not in self._known:
            self._learn(hosts[0])
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
            raise Malformed(f"An address may have {LONGEST_URL} characters.")

    def _learn(self, host: bytes) -> None:
        domain, _ = split_domain_port(host.decode("latin-1"))
        if not domain or not validate_host(domain, self._allowed):
            raise Malformed("This host is not served here.")
        if len(self._known) < MOST_REMEMBERED_HOSTS:
            self._known.add(host)
