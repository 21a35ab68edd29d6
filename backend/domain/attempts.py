"""How often somebody may try to prove who he is."""

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

# What one customer of a provider has at least: RIPE-690 hands out nothing smaller.
IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `most` attempts under `key` in any `seconds`."""

    key: str
    most: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Place:
    """What an attempt holds: it counts under each key until it is given back."""

    token: str
    keys: tuple[str, ...]


class ClientBlock:
    """The addresses that one client can choose from, as one word."""

    @staticmethod
    def of(address: str) -> str:
        """The network of an IPv6 address; anything else is as it is.

        An IPv4 address that is written as one of IPv6 is what it stands for: all of them
        are in one network.
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
