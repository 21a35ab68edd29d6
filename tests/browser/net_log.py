"""Chromium's own record of its network use, which also tells of what no page asked for."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class NetLog:
    """A file of `--log-net-log`, read when Chromium has ended.

    Chromium wishes for updates and the like whatever it is told; here stands what came of it.
    """

    CONNECTIONS = ("TCP_CONNECT_ATTEMPT",)
    # A UDP socket is also "connected" to see whether there is a way: that sends nothing.
    PACKETS = ("UDP_BYTES_SENT", "HOST_RESOLVER_DNS_TASK", "HOST_RESOLVER_SYSTEM_TASK")

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text())
        self._numbers: dict[str, int] = content["constants"]["logEventTypes"]
        self._events: list[dict[str, Any]] = content["events"]

    def connections(self) -> set[str]:
        """Every `host:port` that it tried to connect to."""
        given = (event.get("params", {}) for event in self._of(self.CONNECTIONS))
        return {params["address"] for params in given if "address" in params}

    def packets(self) -> int:
        """How often it looked a name up or sent a datagram."""
        return len(self._of(self.PACKETS))

    def _of(self, names: Sequence[str]) -> list[dict[str, Any]]:
        numbers = {self._numbers[name] for name in names}
        return [event for event in self._events if event["type"] in numbers]
