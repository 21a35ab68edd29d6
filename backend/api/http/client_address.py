"""Where a request came from, also through trusted proxies."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import TypeAlias

from backend.api.http.asgi import AsgiApp, Receive, Scope, Send

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# No real chain is longer; a client that sends thousands wants to waste our time.
MOST_HOPS = 32
LONGEST_HOP = 64
# Stands for a peer without an address, such as one on a Unix socket.
UNKNOWN = "unknown"


class Hop:
    """One entry of an X-Forwarded-For header."""

    @classmethod
    def parsed(cls, text: str) -> Address | None:
        """None for `unknown`, for garbage, and for what is too long to be an address."""
        text = text.strip().strip('"')
        if len(text) > LONGEST_HOP:
            return None
        try:
            return cls._plain(ip_address(cls._without_port(text).partition("%")[0]))
        except ValueError:
            return None

    @staticmethod
    def _without_port(text: str) -> str:
        if text.startswith("["):
            return text[1:].partition("]")[0]
        return text.partition(":")[0] if text.count(":") == 1 else text

    @staticmethod
    def _plain(address: Address) -> Address:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return mapped or address


class TrustedProxies:
    """Follows X-Forwarded-For from the right as long as it finds trusted proxies.

    Everything to the left of the first other address is untrusted and ignored.
    """

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = networks
        # There are few peers, and every request asks.
        self.trusts = lru_cache(maxsize=1_000)(self._trusts)

    def client(self, peer: str, forwarded: Iterable[bytes]) -> str:
        """`forwarded` are the values of all such headers, in their order."""
        nearest = peer
        text = b",".join(forwarded).decode("latin-1")
        for entry in reversed(text.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            hop = Hop.parsed(entry)
            if hop is None:
                break
            nearest = str(hop)
            if not self._contain(hop):
                break
        return nearest

    def _trusts(self, peer: str) -> bool:
        address = Hop.parsed(peer) if self._networks else None
        return address is not None and self._contain(address)

    def _contain(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


class ClientAddress:
    """Puts `client_address` into the scope, and the scheme that a trusted proxy saw."""

    def __init__(self, app: AsgiApp, proxies: TrustedProxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope["client"][0] if scope.get("client") else UNKNOWN
        if self._proxies.trusts(peer):
            peer = self._proxies.client(peer, self._values(scope, b"x-forwarded-for"))
            self._take_scheme(scope)
        scope["client_address"] = peer
        await self._app(scope, receive, send)

    @classmethod
    def _take_scheme(cls, scope: Scope) -> None:
        schemes = cls._values(scope, b"x-forwarded-proto")
        if schemes and schemes[-1].rpartition(b",")[2].strip() == b"https":
            scope["scheme"] = "https"

    @staticmethod
    def _values(scope: Scope, header: bytes) -> list[bytes]:
        return [value for name, value in scope["headers"] if name == header]
