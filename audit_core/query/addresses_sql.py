"""Whether a text is an IP address, the same as another, or one of a network."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from sqlalchemy import ColumnElement, case, false, literal, literal_column, or_

from audit_core.domain.ip_addresses import is_address, plain_network, read_address
from audit_core.log.sql.functions import ipv4_number, ipv6_digits, let, like
from audit_core.query.derived_columns import Condition


def address_is(column: ColumnElement[Any], texts: Sequence[str]) -> Condition:
    """Whether a text is one of some, or names the same address as one of them."""
    addresses = {read_address(text) for text in texts if is_address(text)}
    spelled = [*dict.fromkeys([*texts, *map(str, addresses)])]
    same: list[Condition] = []
    if numbers := [int(address) for address in addresses if address.version == 4]:
        same.append(ipv4_number(column).in_(numbers))
    if digits := [f"{int(address):032x}" for address in addresses if address.version == 6]:
        same.append(ipv6_digits(column).in_(digits))
    if not same:
        return column.in_(spelled)
    # Only IPv6 writes one address in several ways: the others are not taken apart.
    several = like(column, literal("%:%"))
    return or_(column.in_(spelled), case((several, or_(*same)), else_=false()))


def in_network(value: ColumnElement[Any], network: IPv4Network | IPv6Network) -> Condition:
    """Whether a text is an address of a network; NULL or false for what is no address."""
    network = plain_network(network)
    ipv4 = isinstance(network, IPv4Network)
    number: ColumnElement[Any] = ipv4_number(value) if ipv4 else ipv6_digits(value)
    return _belongs(number, network)


def in_any_network(
    value: ColumnElement[Any], networks: Sequence[IPv4Network | IPv6Network]
) -> Condition:
    """The same of several networks of one version: the address is read once."""
    if len(networks) == 1:
        return in_network(value, networks[0])
    found = [plain_network(network) for network in networks]
    ipv4 = isinstance(found[0], IPv4Network)
    number: ColumnElement[Any] = ipv4_number(value) if ipv4 else ipv6_digits(value)
    named = literal_column("address", number.type)
    return let("address", number, or_(*(_belongs(named, network) for network in found)))


def _belongs(number: ColumnElement[Any], network: IPv4Network | IPv6Network) -> Condition:
    first, last = int(network[0]), int(network[-1])
    if isinstance(network, IPv4Network):
        return number.between(first, last)
    return number.between(f"{first:032x}", f"{last:032x}")
