"""How often clients may try to prove their identity."""

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

# The smallest network that a provider gives to one customer (RIPE-690).
IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `most` attempts under `key` in any `seconds`."""

    key: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Place:
    """The places that an attempt holds: it counts under each key until they are
    released."""

    token: str
    keys: tuple[str, ...]


class ClientBlock:
    """The addresses that one client can choose from, as one key."""

    @staticmethod
    def of(address: str) -> str:
        """The network of an IPv6 address; anything else unchanged.

        An IPv4 address written as IPv6 (mapped) counts as the IPv4 address: all of these
        are in one IPv6 network.
        """
        try:
            parsed = ip_address(address)
        except ValueError:
            return address
        if not isinstance(parsed, IPv6Address):
            return address
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((int(parsed), IPV6_PREFIX), strict=False))
