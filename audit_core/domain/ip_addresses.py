"""IP addresses and networks as texts: which are the same."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

_ZONE = re.compile(r"[\w.~-]{1,64}", re.ASCII)
_MAPPED = IPv6Network("::ffff:0:0/96")


def read_address(text: str) -> IPv4Address | IPv6Address:
    """The address that a text names. Raises `ValueError` if it names none.

    One of IPv6 that stands for an IPv4 address (`::ffff:192.0.2.1`) is that one, and a zone
    (`%eth0`), which means something on its own machine only, is left out.
    """
    plain, mark, zone = text.partition("%")
    address = ip_address(plain)
    if mark and (address.version == 4 or not _ZONE.fullmatch(zone)):
        raise ValueError(f"{text!r} is no IP address")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_address(text: str) -> bool:
    """Whether a text names an address."""
    try:
        read_address(text)
    except ValueError:
        return False
    return True


def address_text(text: str) -> str:
    """The one way to write an address; any other text as it is."""
    return str(read_address(text)) if is_address(text) else text


def plain_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """The network of the addresses as `read_address` gives them."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        first = network.network_address.ipv4_mapped
        assert first is not None  # noqa: S101 - it is within `_MAPPED`
        return IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
    return network


def within_any(address: str | None, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    """Whether an address lies in one of the networks, which are as `plain_network` gives them.

    Where there are none, every address does. `None`, an address that nobody knows, and a text that
    names none lie in no network.
    """
    if not networks:
        return True
    if address is None or not is_address(address):
        return False
    known = read_address(address)
    return any(known.version == network.version and known in network for network in networks)
