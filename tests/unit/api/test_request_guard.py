"""Which `Host` is taken for what, without a socket."""

from typing import Any

import pytest

from backend.api.http.errors import ErrorTranslator, Problems
from backend.api.http.request_guard import RequestGuard

OURS, PROBED_BY_ADDRESS = b"media.example.org", b"10.1.2.3:8000"


class Guarded:
    """Asks an application behind the guard that says 204 to everything."""

    def __init__(self) -> None:
        problems = Problems(ErrorTranslator())
        self._guard = RequestGuard(self._application, [OURS.decode()], problems)

    async def status(self, path: str, *hosts: bytes) -> int:
        sent: list[Any] = []
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", host) for host in hosts],
        }
        await self._guard(scope, self._receive, self._sender(sent))
        status: int = sent[0]["status"]
        return status

    @staticmethod
    def _sender(sent: list[Any]) -> Any:
        async def send(message: Any) -> None:
            sent.append(message)

        return send

    @staticmethod
    async def _application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    @staticmethod
    async def _receive() -> Any:
        return {"type": "http.disconnect"}


class TestRequestGuard:
    @pytest.mark.parametrize("path", ["/health/live/", "/health/ready/"])
    @pytest.mark.parametrize("host", [OURS, PROBED_BY_ADDRESS, b"localhost", b""])
    async def test_probes_ask_by_any_name(self, path: str, host: bytes) -> None:
        assert await Guarded().status(path, host) == 204

    @pytest.mark.parametrize(
        "path", ["/ping/", "/health/", "/health/live", "/health/live/x", "/docs"]
    )
    async def test_nothing_else_is_served_by_another_name(self, path: str) -> None:
        guarded = Guarded()
        assert await guarded.status("/health/live/", PROBED_BY_ADDRESS) == 204
        assert await guarded.status(path, PROBED_BY_ADDRESS) == 400
        assert await guarded.status(path, OURS) == 204

    @pytest.mark.parametrize("path", ["/health/live/", "/health/ready/"])
    async def test_probes_of_http_1_0_name_none(self, path: str) -> None:
        assert await Guarded().status(path) == 204
        assert await Guarded().status("/ping/") == 400

    @pytest.mark.parametrize("path", ["/health/live/", "/ping/"])
    async def test_nobody_names_two(self, path: str) -> None:
        """Two readers of one request could take it for two (RFC 9112, 3.2)."""
        assert await Guarded().status(path, OURS, OURS) == 400
